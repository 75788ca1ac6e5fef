//! Random walks: strangers in three browsers ask, type and wait as they like; the limits hold.

use std::collections::HashMap;

use identity_core::Policy;
use identity_service::{codes::Asked, sign_in::Verified};
use kernel::{Chance, Timestamp};
use notify::Channel;
use testkit::{SeededChance, TestDb};

use crate::{
    house::{ANNA, House, browser, phone},
    tools::{raw, wrong},
};

const STEPS: u32 = 400;

/// What happened, by identifier.
#[derive(Default)]
struct Seen {
    sent: Vec<Timestamp>,
    wrong: Vec<Timestamp>,
    accepted: Vec<String>,
    codes: Vec<String>,
}

fn most_within(times: &[Timestamp], seconds: u64) -> usize {
    let within = |place: usize| {
        let from = times[place];
        times[place..]
            .iter()
            .filter(|t| t.since(from).as_secs() < seconds)
            .count()
    };
    (0..times.len()).map(within).max().unwrap_or(0)
}

async fn walk(db: TestDb, seed: u64) {
    let policy = Policy {
        network_sends_per_day: 10_000,
        range_sends: 10_000,
        network_wrong: 10_000,
        site_wrong: 10_000,
        ..Policy::default()
    };
    let house = House::with(db, policy);
    let dice = SeededChance::new(seed);
    let roll = |n: u32| (dice.as_ref() as &dyn Chance).below(n);
    // One has an account, the other does not.
    let numbers = [phone(ANNA), phone("+7 913 000-00-02")];
    house.enter(&numbers[0], browser(9)).await;
    let mut seen = [Seen::default(), Seen::default()];
    seen[0].sent.push(house.now());
    let mut stands: HashMap<u8, usize> = HashMap::new();
    for step in 0..STEPS {
        let n = u8::try_from(roll(3)).unwrap() + 1;
        match roll(10) {
            0..=2 => {
                let which = usize::try_from(roll(2)).unwrap();
                if house.ask(&numbers[which], browser(n)).await == Asked::Sent {
                    seen[which].sent.push(house.now());
                    let code = house.code(&numbers[which]).await;
                    seen[which].codes.push(code);
                    stands.insert(n, which);
                }
            }
            3..=7 => {
                let Some(&which) = stands.get(&n) else {
                    continue;
                };
                let codes = &seen[which].codes;
                let back = usize::try_from(roll(3)).unwrap();
                let code = codes[codes.len().saturating_sub(1 + back)].clone();
                let typed = if roll(8) == 0 { code } else { wrong(&code) };
                let before = house.count(&raw::TRIES).await;
                let verified = house.verify(browser(n), &typed).await;
                let evaluated = house.count(&raw::TRIES).await - before;
                assert!((0..=1).contains(&evaluated));
                match verified {
                    Verified::In(_) | Verified::NeedsConsent => {
                        assert_eq!(evaluated, 1, "an accepted code was counted first");
                        assert!(
                            !seen[which].accepted.contains(&typed),
                            "seed {seed}, step {step}: accepted twice"
                        );
                        assert_eq!(
                            seen[which].codes.last(),
                            Some(&typed),
                            "only the newest code lives"
                        );
                        seen[which].accepted.push(typed);
                        stands.remove(&n);
                    }
                    _ if evaluated == 1 => seen[which].wrong.push(house.now()),
                    _ => {}
                }
            }
            _ => house.wait(
                [1, 10, 60, 61, 120, 300, 600, 1_800, 3_600, 20_000]
                    [usize::try_from(roll(10)).unwrap()],
            ),
        }
        assert!(
            house.count(&raw::TRIES_MOST).await <= 5,
            "seed {seed}, step {step}"
        );
    }
    for (number, seen) in numbers.iter().zip(&seen) {
        assert!(most_within(&seen.sent, 3_600) <= 5, "seed {seed}");
        assert!(most_within(&seen.sent, 86_400) <= 10, "seed {seed}");
        assert!(most_within(&seen.wrong, 3_600) <= 10, "seed {seed}");
        assert!(most_within(&seen.wrong, 86_400) <= 30, "seed {seed}");
        assert!(
            seen.sent.len() > 5 && !seen.wrong.is_empty(),
            "the walk went somewhere, seed {seed}"
        );
        assert!(!house.inbox(number, Channel::Sms).await.is_empty());
    }
    house.settled().await;
}

testkit::both_engines! {
    /// ID-2, ID-2a, ID-2b, A8, A9, A22, I4 over random paths.
    async fn limits_hold_on_walk_1(db: TestDb) {
        walk(db, 1).await;
    }

    /// The same, another path.
    async fn limits_hold_on_walk_2(db: TestDb) {
        walk(db, 2).await;
    }

    /// The same, another path.
    async fn limits_hold_on_walk_3(db: TestDb) {
        walk(db, 3).await;
    }
}
