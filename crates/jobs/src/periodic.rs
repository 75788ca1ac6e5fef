//! What is done once per period by one of all servers: a leased row each.

use std::{sync::Arc, time::Duration};

use db::{DbError, fail, params};
use kernel::Timestamp;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

use crate::{JobError, Periodic, runner::Core, sql, work::Outcome};

/// A run that takes longer is stopped.
const TIME_MAX: Duration = Duration::from_secs(3600);

/// Something done regularly.
#[derive(Clone)]
pub(crate) struct Regular {
    pub(crate) name: &'static str,
    pub(crate) period: Duration,
    pub(crate) periodic: Arc<dyn Periodic>,
}

/// Where this runner stands with one of them.
enum Hand {
    /// Not to be looked at before.
    Wait(Timestamp),
    /// We do it at present.
    Run {
        due: Timestamp,
        renew_at: Timestamp,
        task: AbortHandle,
    },
    /// We did it; the row is to be given back, due again then.
    Ended(Timestamp),
}

/// All of them.
pub(crate) struct Clockwork {
    core: Core,
    pub(crate) tasks: JoinSet<Outcome>,
    hands: Vec<Hand>,
}

impl Clockwork {
    pub(crate) fn new(core: Core) -> Self {
        let at_once = Timestamp::from_micros(i64::MIN);
        let hands = core.regulars.iter().map(|_| Hand::Wait(at_once)).collect();
        Self {
            core,
            tasks: JoinSet::new(),
            hands,
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.hands.iter().all(|hand| matches!(hand, Hand::Wait(_)))
    }

    /// Gives back what ended, keeps what goes on and, if `take`, takes what is due.
    pub(crate) async fn tick(&mut self, take: bool) {
        let regulars = self.core.regulars.clone();
        for (place, regular) in regulars.iter().enumerate() {
            if let Err(error) = self.turn(place, regular, take).await {
                tracing::warn!(%error, periodic = regular.name, "the schedule cannot be reached");
                return;
            }
        }
    }

    async fn turn(&mut self, place: usize, regular: &Regular, take: bool) -> Result<(), DbError> {
        let now = self.core.db.clock().now();
        let Some(hand) = self.hands.get_mut(place) else {
            return Ok(());
        };
        match hand {
            Hand::Ended(due) => {
                let due = *due;
                write(&self.core, regular.name, Some(due)).await?;
                *hand = Hand::Wait(due);
            }
            Hand::Run { renew_at, task, .. } if *renew_at <= now => {
                *renew_at = self.core.renew_at(now);
                if !write(&self.core, regular.name, None).await? {
                    task.abort();
                    tracing::warn!(periodic = regular.name, "the lease was lost");
                    *hand = Hand::Wait(now);
                }
            }
            Hand::Wait(until) if take && *until <= now => match claim(&self.core, regular).await? {
                Claim::Ours(due) => {
                    let periodic = Arc::clone(&regular.periodic);
                    let task = self.tasks.spawn(async move {
                        fail::point("jobs.periodic", "before_run");
                        let outcome = tokio::time::timeout(TIME_MAX, periodic.run()).await;
                        fail::point("jobs.periodic", "after_run");
                        outcome.unwrap_or(Err(JobError::Never {
                            code: "jobs.timeout",
                        }))
                    });
                    let renew_at = self.core.renew_at(now);
                    *hand = Hand::Run {
                        due,
                        renew_at,
                        task,
                    };
                }
                Claim::Not(until) => *hand = Hand::Wait(until),
            },
            Hand::Run { .. } | Hand::Wait(_) => {}
        }
        Ok(())
    }

    /// Notes how a run ended.
    pub(crate) fn joined(&mut self, joined: &Result<(Id, Outcome), JoinError>) {
        let (id, outcome) = match joined {
            Ok((id, outcome)) => (*id, *outcome),
            Err(error) => (error.id(), Err(JobError::Never { code: "jobs.panic" })),
        };
        let now = self.core.db.clock().now();
        let regulars = self.core.regulars.iter();
        for (hand, regular) in self.hands.iter_mut().zip(regulars) {
            let Hand::Run { due, task, .. } = hand else {
                continue;
            };
            if task.id() != id {
                continue;
            }
            let mut next = after(*due, regular.period, now);
            if let Err(error) = outcome {
                let (name, code) = (regular.name, error.code());
                metrics::counter!("kabinet_periodics_failed", "name" => name, "code" => code)
                    .increment(1);
                tracing::error!(periodic = name, code, "periodic work failed");
                if let JobError::Again { after: Some(x), .. } = error {
                    next = next.min(now.saturating_add(x));
                }
            }
            *hand = Hand::Ended(next);
        }
    }

    /// Stops what is at work and gives it back, due at once.
    pub(crate) fn give_up(&mut self) {
        self.tasks.abort_all();
        for hand in &mut self.hands {
            if let Hand::Run { due, .. } = hand {
                *hand = Hand::Ended(*due);
            }
        }
    }
}

/// The next time after `due` in whole periods that is later than `now`: what was missed is missed.
fn after(due: Timestamp, period: Duration, now: Timestamp) -> Timestamp {
    let late = now.since(due).as_micros();
    let past = late.checked_rem(period.as_micros()).unwrap_or(0);
    let past = Duration::from_micros(u64::try_from(past).unwrap_or(0));
    now.max(due).saturating_add(period.saturating_sub(past))
}

enum Claim {
    Ours(Timestamp),
    Not(Timestamp),
}

async fn claim(core: &Core, regular: &Regular) -> Result<Claim, DbError> {
    let input = (
        regular.name,
        regular.period,
        core.owner.clone(),
        core.settings.lease,
    );
    core.db
        .write(
            "jobs.periodic",
            input,
            |tx, (name, period, owner, lease)| {
                Box::pin(async move {
                    let now = tx.now();
                    tx.execute(&sql::SCHEDULE, params![*name, now]).await?;
                    let row = tx.query_one(&sql::SCHEDULED, params![*name]).await?;
                    let (due, leased) = (row.timestamp(0)?, row.opt_timestamp(1)?);
                    // Further away than a period: the period was shortened, or the clock set back.
                    let far = now.saturating_add(*period);
                    if due > now && due <= far {
                        return Ok(Claim::Not(due));
                    }
                    let until = now.saturating_add(*lease);
                    let taken = tx
                        .execute(&sql::TAKE, params![until, owner, *name, due, now])
                        .await?;
                    Ok(match (taken, leased) {
                        (1, _) => Claim::Ours(due.min(now)),
                        (_, Some(leased)) if leased > now => Claim::Not(leased.min(far)),
                        _ => Claim::Not(now),
                    })
                })
            },
        )
        .await
}

/// Gives the row back until `due`, or keeps it where that is `None`; answers whether it was ours.
async fn write(core: &Core, name: &'static str, due: Option<Timestamp>) -> Result<bool, DbError> {
    let input = (name, due, core.owner.clone(), core.settings.lease);
    core.db
        .write(
            "jobs.periodic_end",
            input,
            |tx, (name, due, owner, lease)| {
                Box::pin(async move {
                    let until = tx.now().saturating_add(*lease);
                    let (statement, at) = match due {
                        Some(due) => (&sql::GIVE_BACK, *due),
                        None => (&sql::HOLD, until),
                    };
                    Ok(tx.execute(statement, params![at, *name, owner]).await? == 1)
                })
            },
        )
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_time_is_in_whole_periods_and_later_than_now() {
        let at = Timestamp::from_secs;
        let minute = Duration::from_secs(60);
        assert_eq!(after(at(0), minute, at(0)), at(60));
        assert_eq!(after(at(0), minute, at(59)), at(60));
        assert_eq!(after(at(0), minute, at(60)), at(120));
        assert_eq!(after(at(0), minute, at(3601)), at(3660));
        assert_eq!(after(at(100), minute, at(50)), at(160));
    }
}
