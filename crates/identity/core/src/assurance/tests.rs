use super::*;
use proptest::prelude::*;

fn has() -> impl Strategy<Value = Has> {
    let ages = prop::array::uniform7(prop_oneof![
        Just(None),
        (0_i64..60).prop_map(|days| Some(NOW.saturating_sub(DAY.saturating_mul(days as u32))))
    ]);
    ages.prop_map(|ages| {
        let mut has = Has {
            phone: ages[0].is_some(),
            email: ages[1].is_some(),
            passkey: ages[2].is_some(),
            password: ages[3].is_some(),
            passcode: ages[4].is_some(),
            totp: ages[5].is_some(),
            backup_code: ages[6].is_some(),
            ..Has::default()
        };
        let methods = [
            Method::Sms,
            Method::Email,
            Method::Passkey,
            Method::Password,
            Method::Passcode,
            Method::Totp,
            Method::BackupCode,
        ];
        for (method, since) in methods.into_iter().zip(ages) {
            if let Some(since) = since {
                has.aged(method, since, NOW);
            }
        }
        has
    })
}

fn strength() -> impl Strategy<Value = Strength> {
    prop_oneof![
        Just(Strength::Owner),
        Just(Strength::Bank),
        Just(Strength::Money),
        Just(Strength::Replace)
    ]
}

fn shown() -> impl Strategy<Value = Vec<Shown>> {
    let one = (0..Method::ALL.len(), 0_u32..200_000, 0_u32..60).prop_map(|(m, ago, days)| {
        let method = Method::ALL[m];
        let since = NOW.saturating_sub(DAY.saturating_mul(days));
        Shown {
            method,
            at: NOW.saturating_sub(Duration::from_secs(ago.into())),
            since: (method != Method::Device).then_some(since),
        }
    });
    prop::collection::vec(one, 0..6)
}

const DAY: Duration = Duration::from_secs(86_400);
const NOW: Timestamp = Timestamp::from_secs(100 * 86_400);

proptest! {
    /// ID-3: no number of codes, apps or backup codes opens the bank section or moves money; only what
    /// the person chose or holds for it.
    #[test]
    fn codes_alone_never_open_the_bank(has in has(), shown in shown()) {
        let weak: Vec<_> = shown
            .into_iter()
            .filter(|s| !matches!(s.method, Method::Passkey | Method::Password | Method::Passcode))
            .collect();
        for strength in [Strength::Bank, Strength::Money] {
            prop_assert_ne!(missing(strength, &has, &weak, NOW), Missing::Nothing);
        }
    }

    /// CH-1: an account that has something strong never changes its safety for codes alone.
    #[test]
    fn the_strongest_is_asked_for(has in has(), shown in shown()) {
        let strong = has.passkey || has.password || has.passcode || has.totp || has.backup_code;
        let codes: Vec<_> = shown
            .into_iter()
            .filter(|s| matches!(s.method, Method::Sms | Method::Call | Method::Email | Method::Device))
            .collect();
        if strong {
            prop_assert_ne!(missing(Strength::Owner, &has, &codes, NOW), Missing::Nothing);
        }
    }

    /// CH-1, A48: where something strong is there, neither the phone's code nor a session replaces a way to the
    /// account, nor does the strong one without a code; and a mailbox alone never does.
    #[test]
    fn replacing_takes_another_factor_and_a_code(has in has(), shown in shown()) {
        let is_code = |s: &Shown| matches!(s.method, Method::Sms | Method::Call | Method::Email);
        let strong = has.passkey || has.password || has.passcode || has.totp || has.backup_code;
        let (codes, others): (Vec<_>, Vec<_>) = shown.iter().copied().partition(is_code);
        let no_device: Vec<_> = codes.iter().copied().filter(|s| s.method != Method::Device).collect();
        if strong {
            prop_assert_ne!(missing(Strength::Replace, &has, &no_device, NOW), Missing::Nothing);
        }
        prop_assert_ne!(missing(Strength::Replace, &has, &others, NOW), Missing::Nothing);
        let letters: Vec<_> = codes.iter().copied().filter(|s| s.method == Method::Email).collect();
        prop_assert_ne!(missing(Strength::Replace, &has, &letters, NOW), Missing::Nothing);
        // Whatever replaces is also enough for whatever else asks for the owner.
        if missing(Strength::Replace, &has, &shown, NOW) == Missing::Nothing {
            prop_assert_eq!(missing(Strength::Owner, &has, &shown, NOW), Missing::Nothing);
        }
    }

    /// More shown never leaves more missing, and showing a whole way is enough.
    #[test]
    fn showing_more_never_hurts(strength in strength(), has in has(), shown in shown()) {
        if let Missing::OneOf(left) = missing(strength, &has, &shown, NOW) {
            for way in left {
                let mut more = shown.clone();
                more.extend(way.iter().map(|method| Shown {
                    method: *method,
                    at: NOW,
                    since: Some(Timestamp::EPOCH),
                }));
                prop_assert_eq!(missing(strength, &has, &more, NOW), Missing::Nothing);
            }
        }
    }

    /// A62: what is younger than a day approves no money, whichever of the three it is, and is not offered.
    #[test]
    fn what_is_new_approves_no_money(age in 0_u32..86_400, which in 0..OPENS_BANK.len()) {
        let method = OPENS_BANK[which];
        let since = NOW.saturating_sub(Duration::from_secs(age.into()));
        let mut has = Has { passkey: true, password: true, passcode: true, ..Has::default() };
        has.aged(method, since, NOW);
        let young = Shown { method, at: NOW, since: Some(since) };
        prop_assert_eq!(missing(Strength::Money, &has, &[young], NOW), Missing::NothingToShow);
        prop_assert_eq!(missing(Strength::Bank, &has, &[young], NOW), Missing::Nothing);
        // An older one of the same kind is asked for, and the younger does not stand in for it.
        has.aged(method, Timestamp::EPOCH, NOW);
        let asked = Missing::OneOf(vec![vec![method]]);
        prop_assert_eq!(missing(Strength::Money, &has, &[young], NOW), asked);
    }

    /// A50: what only old things may open is never opened by more than would do otherwise, nor by anything
    /// younger than thirty days.
    #[test]
    fn only_the_old_is_old(has in has(), shown in shown()) {
        let old: Vec<Shown> = shown
            .iter()
            .copied()
            .filter(|shown| shown.since.is_some_and(|since| NOW.since(since) >= slices::OLD))
            .collect();
        for strength in [Strength::Owner, Strength::Bank, Strength::Money] {
            let by_old = missing_old(strength, &has, &shown, NOW);
            prop_assert_eq!(&by_old, &missing_old(strength, &has, &old, NOW));
            if by_old == Missing::Nothing {
                prop_assert_eq!(missing(strength, &has, &old, NOW), Missing::Nothing);
            }
        }
    }

    /// Only what is recent counts, and nothing at all for an action that asks for a proof of its own.
    #[test]
    fn old_showings_do_not_count(shown in shown()) {
        for action in Action::ALL {
            let need = action.need();
            let counted = counting(need, &shown, NOW);
            match need.session_within {
                None => prop_assert!(counted.is_empty()),
                Some(within) => prop_assert!(counted.iter().all(|s| NOW.since(s.at) < within)),
            }
        }
    }
}

/// ID-1, CH-1: a new account has its phone; with an e-mail both are asked for.
#[test]
fn codes_go_to_every_identifier() {
    let phone = Has {
        phone: true,
        ..Has::default()
    };
    let both = Has {
        email: true,
        ..phone
    };
    assert_eq!(ways(Strength::Owner, &phone), [[Method::Sms]]);
    assert_eq!(ways(Strength::Owner, &both), [[Method::Sms, Method::Email]]);
    assert_eq!(
        missing(Strength::Bank, &both, &[], NOW),
        Missing::NothingToShow
    );
    let by_call = Shown {
        method: Method::Call,
        at: NOW,
        since: None,
    };
    assert_eq!(
        missing(Strength::Owner, &both, &[by_call], NOW),
        Missing::OneOf(vec![vec![Method::Email]])
    );
}

/// CH-1, A48: which ways replace, for the accounts there are.
#[test]
fn what_replaces() {
    use Method::{Email, Passkey, Password, Sms};
    let phone = Has {
        phone: true,
        ..Has::default()
    };
    let both = Has {
        email: true,
        ..phone
    };
    let strong = Has {
        passkey: true,
        password: true,
        ..both
    };
    let mailbox = Has {
        email: true,
        ..Has::default()
    };
    let lost = Has {
        phone: false,
        email: false,
        ..strong
    };
    assert_eq!(ways(Strength::Replace, &phone), [[Sms]]);
    assert_eq!(ways(Strength::Replace, &both), [[Sms, Email]]);
    assert_eq!(
        ways(Strength::Replace, &strong),
        [
            [Passkey, Sms],
            [Password, Sms],
            [Passkey, Email],
            [Password, Email]
        ]
    );
    assert!(ways(Strength::Replace, &mailbox).is_empty());
    assert!(ways(Strength::Replace, &lost).is_empty());
    let shown = Shown {
        method: Passkey,
        at: NOW,
        since: None,
    };
    assert_eq!(
        missing(Strength::Replace, &strong, &[shown], NOW),
        Missing::OneOf(vec![vec![Sms], vec![Email]]),
        "of the ways that are left, the shortest"
    );
}

/// A48: what replaces a way to the account is confirmed within five minutes.
#[test]
fn steps_that_replace_are_short() {
    for action in Action::ALL {
        let is_short = matches!(action.need().strength, Strength::Replace)
            || matches!(action, Action::HoldPhone | Action::HoldEmail);
        let expected = if is_short { RECENT } else { STEP_LIFE };
        assert_eq!(action.step_life(), expected, "{action:?}");
        assert!(action.step_reused() * 2 <= action.step_life());
    }
}

#[test]
fn names_round_trip() {
    for method in Method::ALL {
        assert_eq!(Method::from_name(method.as_str()), Some(method));
    }
    for action in Action::ALL {
        assert_eq!(Action::from_name(action.as_str()), Some(*action));
    }
}
