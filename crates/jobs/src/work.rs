//! The jobs a runner has in hand.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use db::{DbError, fail, params};
use kernel::{JobId, Timestamp};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

use crate::{
    JobError, Lease,
    backoff::{WAIT_MAX, wait},
    job::id_of,
    runner::Core,
    settle::{End, Settling, Step, Try, settle},
    sql,
};

/// What a handler's task ends with.
pub(crate) type Outcome = Result<(), JobError>;
/// The same, as the task set reports it.
pub(crate) type Joined = Result<(Id, Outcome), JoinError>;

/// A due job, as the global read saw it.
struct Due {
    kind: &'static str,
    it: Try,
    created_at: Timestamp,
    worthless_after: Option<Timestamp>,
    payload: Vec<u8>,
}

/// A job at work.
struct Held {
    kind: &'static str,
    it: Try,
    worthless_after: Option<Timestamp>,
    renew_at: Timestamp,
    task: AbortHandle,
}

/// What a tick did.
#[derive(Default)]
pub(crate) struct Ticked {
    /// Jobs taken and now at work.
    pub(crate) taken: usize,
    /// Jobs ended without being run; behind them there may be more.
    pub(crate) dropped: usize,
}

/// The jobs in hand: at work, and ended but not yet written down.
pub(crate) struct Work {
    core: Core,
    pub(crate) tasks: JoinSet<Outcome>,
    held: HashMap<Id, Held>,
    ended: Vec<Step>,
    /// Jobs not to be taken again, where each is to be run once.
    once: Option<HashSet<JobId>>,
}

impl Work {
    pub(crate) fn new(core: Core) -> Self {
        Self {
            core,
            tasks: JoinSet::new(),
            held: HashMap::new(),
            ended: Vec::new(),
            once: None,
        }
    }

    /// Takes each job at most once.
    pub(crate) fn once(core: Core) -> Self {
        Self {
            once: Some(HashSet::new()),
            ..Self::new(core)
        }
    }

    /// Nothing at work and nothing to write down.
    pub(crate) fn is_idle(&self) -> bool {
        self.held.is_empty() && self.ended.is_empty()
    }

    /// Writes down what ended, renews what goes on and, if `take`, takes what is due: at most one read and
    /// one transaction.
    pub(crate) async fn tick(&mut self, take: bool) -> Result<Ticked, DbError> {
        let due = if take {
            self.due().await
        } else {
            Ok(Vec::new())
        };
        let (due, failed) = match due {
            Ok(due) => (due, None),
            // What ended is written down even if reading failed.
            Err(error) => (Vec::new(), Some(error)),
        };
        let now = self.core.db.clock().now();
        let mut steps: Vec<Step> = std::mem::take(&mut self.ended);
        let ended = steps.len();
        let renewed: Vec<Id> = self
            .held
            .iter()
            .filter(|(_, held)| held.renew_at <= now)
            .map(|(task, _)| *task)
            .collect();
        let renewals = renewed.iter().filter_map(|task| self.held.get(task));
        steps.extend(renewals.map(|held| Step::Renew(held.it)));
        steps.extend(due.iter().map(|due| self.decide(due, now)));
        if !steps.is_empty() {
            fail::point("jobs.run", "before_completion");
            let settling = Arc::new(Settling {
                steps,
                owner: self.core.owner.clone(),
                lease: self.core.settings.lease,
            });
            match settle(&self.core.db, Arc::clone(&settling)).await {
                Ok(ours) => return Ok(self.settled(&settling.steps, &ours, &renewed, due, now)),
                Err(error) => {
                    // Kept for the next tick. What was taken is not run: should the commit have happened
                    // after all, the lease ends and the job is due again.
                    let kept = settling.steps.iter().take(ended).copied();
                    self.ended = kept.chain(std::mem::take(&mut self.ended)).collect();
                    return Err(error);
                }
            }
        }
        failed.map_or(Ok(Ticked::default()), Err)
    }

    fn settled(
        &mut self,
        steps: &[Step],
        ours: &[bool],
        renewed: &[Id],
        due: Vec<Due>,
        now: Timestamp,
    ) -> Ticked {
        let mut ticked = Ticked::default();
        let (mut renewed, mut due) = (renewed.iter(), due.into_iter());
        for (step, ours) in steps.iter().zip(ours) {
            match step {
                Step::Finish(..) | Step::Again { .. } if !ours => {
                    metrics::counter!("kabinet_jobs_lease_lost").increment(1);
                }
                Step::Finish(..) | Step::Again { .. } => {}
                Step::Renew(it) => {
                    let Some(task) = renewed.next() else { continue };
                    if *ours {
                        let renew_at = self.core.renew_at(now);
                        if let Some(held) = self.held.get_mut(task) {
                            held.renew_at = renew_at;
                        }
                    } else if let Some(held) = self.held.remove(task) {
                        // Somebody else is at it by now: stop, so that it is done twice at most in part.
                        held.task.abort();
                        metrics::counter!("kabinet_jobs_lease_lost").increment(1);
                        tracing::warn!(job = %it.id, kind = held.kind, "the lease was lost");
                    }
                }
                Step::Lease(_) => {
                    if let (Some(due), true) = (due.next(), *ours) {
                        self.start(due, now);
                        ticked.taken = ticked.taken.saturating_add(1);
                    }
                }
                Step::Drop(it, end) => {
                    if let (Some(due), true) = (due.next(), *ours) {
                        report(due.kind, *it, *end);
                        ticked.dropped = ticked.dropped.saturating_add(1);
                    }
                }
            }
        }
        ticked
    }

    /// What is due and fits, kind by kind: a flood of one kind does not hide the others.
    async fn due(&self) -> Result<Vec<Due>, DbError> {
        let free: Vec<(&'static str, usize)> = self
            .core
            .kinds
            .keys()
            .map(|kind| (*kind, self.free(kind)))
            .filter(|(_, free)| *free > 0)
            .collect();
        let found = self
            .core
            .db
            .read("jobs.due", free, |tx, free| {
                Box::pin(async move {
                    let mut all = Vec::new();
                    for (kind, free) in free {
                        // More than fit, so that runners side by side do not all reach for the same few.
                        let limit = i64::try_from(free.saturating_mul(4)).unwrap_or(i64::MAX);
                        let now = tx.now();
                        let rows = tx.query(&sql::DUE, params![*kind, now, limit]).await?;
                        let due = rows.iter().map(|row| due(kind, row));
                        all.push((*free, due.collect::<Result<Vec<_>, _>>()?));
                    }
                    Ok::<_, DbError>(all)
                })
            })
            .await?;
        let chosen = found.into_iter().flat_map(|(free, due)| {
            let mut due: Vec<Due> = due.into_iter().filter(|due| !self.has(due.it.id)).collect();
            if due.len() > free {
                let turn = u32::try_from(due.len()).map_or(0, |len| self.core.chance().below(len));
                due.rotate_left(usize::try_from(turn).unwrap_or(0));
                due.truncate(free);
            }
            due
        });
        Ok(chosen.collect())
    }

    fn free(&self, kind: &str) -> usize {
        let busy = self.held.values().filter(|held| held.kind == kind).count();
        self.core.settings.concurrency.max(1).saturating_sub(busy)
    }

    /// Whether the job is in hand already: its lease may have run out while we were away.
    fn has(&self, id: JobId) -> bool {
        let at_work = || self.held.values().any(|held| held.it.id == id);
        let ended = || {
            self.ended.iter().any(|step| match step {
                Step::Finish(it, _) | Step::Again { it, .. } => it.id == id,
                _ => false,
            })
        };
        self.once.as_ref().is_some_and(|ran| ran.contains(&id)) || at_work() || ended()
    }

    fn decide(&self, due: &Due, now: Timestamp) -> Step {
        let tries_max = self
            .core
            .kinds
            .get(due.kind)
            .map_or(1, |kind| kind.tries_max);
        if due.worthless_after.is_some_and(|end| end < now) {
            Step::Drop(due.it, End::Expired)
        } else if due.it.tries >= tries_max {
            // Its last runner died with it, and so did the ones before.
            Step::Drop(due.it, End::Dead { code: "jobs.lost" })
        } else {
            Step::Lease(due.it)
        }
    }

    fn start(&mut self, due: Due, now: Timestamp) {
        let Some(kind) = self.core.kinds.get(due.kind).cloned() else {
            return;
        };
        let it = Try {
            tries: due.it.tries.saturating_add(1),
            ..due.it
        };
        let lease = Lease {
            job: it.id,
            tries: it.tries,
            enqueued_at: due.created_at,
        };
        let (vault, payload) = (self.core.vault.clone(), due.payload);
        let task = self.tasks.spawn(async move {
            fail::point("jobs.run", "before_handler");
            let run = kind.handler.run(&vault, &payload, &lease);
            let outcome = tokio::time::timeout(kind.time_max, run).await;
            fail::point("jobs.run", "after_handler");
            outcome.unwrap_or(Err(JobError::Again {
                code: "jobs.timeout",
                after: None,
            }))
        });
        if let Some(ran) = &mut self.once {
            ran.insert(it.id);
        }
        self.held.insert(
            task.id(),
            Held {
                kind: due.kind,
                it,
                worthless_after: due.worthless_after,
                renew_at: self.core.renew_at(now),
                task,
            },
        );
    }

    /// Notes how a task ended; the next tick writes it down.
    pub(crate) fn joined(&mut self, joined: Joined) {
        let (task, outcome) = match joined {
            Ok(ended) => ended,
            // The text of a panic may hold anything, so it is not repeated.
            Err(error) => (
                error.id(),
                Err(JobError::Again {
                    code: "jobs.panic",
                    after: None,
                }),
            ),
        };
        // A task whose lease was lost is no longer held: there is nothing to write.
        let Some(held) = self.held.remove(&task) else {
            return;
        };
        let step = self.next(&held, outcome);
        if let Step::Finish(it, end) = step {
            report(held.kind, it, end);
        }
        self.ended.push(step);
    }

    fn next(&self, held: &Held, outcome: Outcome) -> Step {
        let (it, kind) = (held.it, held.kind);
        let Err(error) = outcome else {
            return Step::Finish(it, End::Done);
        };
        let code = error.code();
        metrics::counter!("kabinet_jobs_failed_tries", "kind" => kind, "code" => code).increment(1);
        let tries_max = self.core.kinds.get(kind).map_or(1, |kind| kind.tries_max);
        let JobError::Again { after, .. } = error else {
            return Step::Finish(it, End::Dead { code });
        };
        if it.tries >= tries_max {
            return Step::Finish(it, End::Dead { code });
        }
        let pause = after.map_or_else(|| wait(it.tries, self.core.chance()), |x| x.min(WAIT_MAX));
        let run_at = self.core.db.clock().now().saturating_add(pause);
        if held.worthless_after.is_some_and(|end| end < run_at) {
            return Step::Finish(it, End::Expired);
        }
        tracing::info!(job = %it.id, kind, code, tries = it.tries, "a job is tried again later");
        Step::Again { it, code, run_at }
    }

    /// Stops what is still at work and puts it back, to be taken at once by the next runner.
    pub(crate) fn give_up(&mut self) {
        self.tasks.abort_all();
        let run_at = self.core.db.clock().now();
        let code = "jobs.stopped";
        let held = self.held.drain().map(|(_, held)| held.it);
        self.ended
            .extend(held.map(|it| Step::Again { it, code, run_at }));
    }
}

fn due(kind: &'static str, row: &db::Row) -> Result<Due, DbError> {
    Ok(Due {
        kind,
        it: Try {
            bucket: row.int(0)?,
            id: id_of(row, 1)?,
            tries: u32::try_from(row.int(2)?).map_err(|_| row.wrong(2, "out of range"))?,
        },
        created_at: row.timestamp(3)?,
        worthless_after: row.opt_timestamp(4)?,
        payload: row
            .opt_bytes(5)?
            .ok_or_else(|| row.wrong(5, "a due job without payload"))?,
    })
}

/// Tells how a job ended; never its payload.
fn report(kind: &'static str, it: Try, end: End) {
    match end {
        End::Done => metrics::counter!("kabinet_jobs_done", "kind" => kind).increment(1),
        End::Expired => {
            metrics::counter!("kabinet_jobs_expired", "kind" => kind).increment(1);
            tracing::warn!(job = %it.id, kind, "a job had become worthless and was dropped");
        }
        End::Dead { code } => {
            metrics::counter!("kabinet_jobs_dead", "kind" => kind).increment(1);
            tracing::error!(job = %it.id, kind, code, tries = it.tries, "a job is dead");
        }
    }
}
