//! The circuit breaker of a carrier (fault case F7).
//!
//! A pure state machine: the present moment is passed in, nothing is sent from
//! here. It opens after [`Limits::in_a_row`] failures in a row or when half of
//! the last [`Limits::window`] answers were failures; after a pause it lets one
//! probe through; the probe's success closes it, its failure doubles the pause.

use std::collections::VecDeque;
use std::time::Duration;

use kernel::Timestamp;

/// When the breaker opens and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Failures in a row that open it.
    pub in_a_row: u32,
    /// How many last answers are looked at; half of a full window opens it.
    pub window: usize,
    /// The first pause before a probe.
    pub pause: Duration,
    /// No pause is longer than this.
    pub longest_pause: Duration,
    /// A probe that has not answered for so long is taken for lost, and
    /// another is let through.
    pub probe_patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            in_a_row: 5,
            window: 20,
            pause: Duration::from_secs(15),
            longest_pause: Duration::from_secs(300),
            probe_patience: Duration::from_secs(30),
        }
    }
}

/// What the breaker says to one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// Send.
    Go,
    /// Send: this is the probe that decides.
    Probe,
    /// Do not send; ask again after this long.
    Wait(Duration),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open { until: Timestamp },
    HalfOpen { probe_sent: Timestamp },
}

/// The breaker of one carrier.
#[derive(Clone, Debug)]
pub struct Breaker {
    limits: Limits,
    state: State,
    failures_in_a_row: u32,
    /// The last answers, `true` for a failure.
    recent: VecDeque<bool>,
    /// How often it opened without closing in between.
    reopened: u32,
}

impl Breaker {
    /// A closed breaker.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            state: State::Closed,
            failures_in_a_row: 0,
            recent: VecDeque::new(),
            reopened: 0,
        }
    }

    /// May something be sent now?
    pub fn ask(&mut self, now: Timestamp) -> Permit {
        match self.state {
            State::Closed => Permit::Go,
            State::Open { until } if now < until => Permit::Wait(until.since(now)),
            State::HalfOpen { probe_sent }
                if now < probe_sent.saturating_add(self.limits.probe_patience) =>
            {
                let patience_ends = probe_sent.saturating_add(self.limits.probe_patience);
                Permit::Wait(patience_ends.since(now))
            }
            State::Open { .. } | State::HalfOpen { .. } => {
                self.state = State::HalfOpen { probe_sent: now };
                Permit::Probe
            }
        }
    }

    /// The carrier answered as it should (a refusal of one address is that
    /// too: the carrier works).
    pub fn succeeded(&mut self) {
        match self.state {
            State::Closed => {
                self.failures_in_a_row = 0;
                self.remember(false);
            }
            State::HalfOpen { .. } => {
                self.state = State::Closed;
                self.failures_in_a_row = 0;
                self.recent.clear();
                self.reopened = 0;
            }
            // A late answer to something sent before it opened proves little.
            State::Open { .. } => {}
        }
    }

    /// The carrier did not answer, or answered that it is broken.
    pub fn failed(&mut self, now: Timestamp) {
        match self.state {
            State::Closed => {
                self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
                self.remember(true);
                if self.failures_in_a_row >= self.limits.in_a_row || self.half_failed() {
                    self.open(now);
                }
            }
            State::HalfOpen { .. } => self.open(now),
            State::Open { .. } => {}
        }
    }

    /// Whether everything is let through.
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    fn open(&mut self, now: Timestamp) {
        let doubled = 2u32.checked_pow(self.reopened).unwrap_or(u32::MAX);
        let pause = self
            .limits
            .pause
            .saturating_mul(doubled)
            .min(self.limits.longest_pause);
        self.state = State::Open {
            until: now.saturating_add(pause),
        };
        self.reopened = self.reopened.saturating_add(1);
        self.failures_in_a_row = 0;
        self.recent.clear();
    }

    fn remember(&mut self, failure: bool) {
        self.recent.push_back(failure);
        while self.recent.len() > self.limits.window {
            self.recent.pop_front();
        }
    }

    fn half_failed(&self) -> bool {
        let failures = self.recent.iter().filter(|failure| **failure).count();
        self.recent.len() >= self.limits.window && failures.saturating_mul(2) >= self.limits.window
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    /// F7: five failures in a row open it, a success in between does not.
    #[test]
    fn opens_after_five_in_a_row() {
        let mut breaker = Breaker::new(Limits::default());
        for _ in 0..4 {
            breaker.failed(at(0));
        }
        breaker.succeeded();
        for _ in 0..4 {
            breaker.failed(at(0));
        }
        assert_eq!(breaker.ask(at(0)), Permit::Go);
        breaker.failed(at(0));
        assert_eq!(breaker.ask(at(0)), Permit::Wait(Duration::from_secs(15)));
    }

    /// F7: half of the last twenty opens it.
    #[test]
    fn opens_at_half_of_the_last_twenty() {
        let mut breaker = Breaker::new(Limits::default());
        for turn in 0..20 {
            assert!(breaker.is_closed(), "turn {turn}");
            if turn % 2 == 0 {
                breaker.succeeded();
            } else {
                breaker.failed(at(0));
            }
        }
        assert!(!breaker.is_closed());
    }

    #[test]
    fn one_probe_decides() {
        let mut breaker = Breaker::new(Limits::default());
        for _ in 0..5 {
            breaker.failed(at(0));
        }
        assert_eq!(breaker.ask(at(15)), Permit::Probe);
        assert_eq!(breaker.ask(at(15)), Permit::Wait(Duration::from_secs(30)));
        breaker.failed(at(16));
        assert_eq!(breaker.ask(at(16)), Permit::Wait(Duration::from_secs(30)));
        assert_eq!(breaker.ask(at(46)), Permit::Probe);
        breaker.succeeded();
        assert_eq!(breaker.ask(at(46)), Permit::Go);
    }

    #[test]
    fn a_lost_probe_is_sent_again() {
        let mut breaker = Breaker::new(Limits::default());
        for _ in 0..5 {
            breaker.failed(at(0));
        }
        assert_eq!(breaker.ask(at(15)), Permit::Probe);
        assert_eq!(breaker.ask(at(45)), Permit::Probe);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Ask,
        Succeed,
        Fail,
        Pass(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            Just(Step::Ask),
            Just(Step::Succeed),
            Just(Step::Fail),
            (0u64..120).prop_map(Step::Pass)
        ]
    }

    proptest! {
        /// Whatever happened before: the pause is bounded, while open at most
        /// one probe goes out at a time, and a working carrier is used again.
        #[test]
        fn always_recovers(steps in proptest::collection::vec(step(), 0..200)) {
            let limits = Limits::default();
            let mut breaker = Breaker::new(limits);
            let mut now = at(0);
            for step in steps {
                match step {
                    Step::Ask => {
                        let first = breaker.ask(now);
                        if first != Permit::Go {
                            prop_assert!(matches!(breaker.ask(now), Permit::Wait(_)));
                        }
                        if let Permit::Wait(pause) = first {
                            prop_assert!(pause > Duration::ZERO);
                            prop_assert!(pause <= limits.longest_pause);
                        }
                    }
                    Step::Succeed => breaker.succeeded(),
                    Step::Fail => breaker.failed(now),
                    Step::Pass(secs) => now = now.saturating_add(Duration::from_secs(secs)),
                }
            }
            now = now.saturating_add(limits.longest_pause);
            prop_assert!(!matches!(breaker.ask(now), Permit::Wait(_)));
            breaker.succeeded();
            prop_assert_eq!(breaker.ask(now), Permit::Go);
        }
    }
}
