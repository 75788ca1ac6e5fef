//! The life of one code: asked for, live, then used, void, expired or dead. Never two of them, never back.

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

/// What a code is for; it serves nothing else (ID-2, A15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Getting in, or registering: the same door (ID-1).
    SignIn,
    /// Confirming an e-mail address (ID-4).
    ConfirmEmail,
    /// Freezing from any browser (ID-13).
    Freeze,
    /// Lifting a freeze, by phone.
    UnfreezePhone,
    /// Lifting a freeze, by e-mail.
    UnfreezeEmail,
    /// Confirming a sensitive action, by phone.
    StepUpPhone,
    /// Confirming a sensitive action, by e-mail.
    StepUpEmail,
    /// Confirming that a number is still the owner's (ID-8a).
    ConfirmNumber,
    /// Freezing a friend's account as a trusted person (ID-8a).
    TrustedFreeze,
    /// Binding the phone to be used, in a recovery case (RE-3).
    RecoveryPhone,
    /// Coming back to a recovery case (RE-11).
    RecoveryResume,
    /// Proving a new phone (CH-1, CH-2).
    NewPhone,
    /// Proving a new e-mail (CH-3).
    NewEmail,
}

impl Purpose {
    /// The stable name in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::ConfirmEmail => "confirm_email",
            Self::Freeze => "freeze",
            Self::UnfreezePhone => "unfreeze_phone",
            Self::UnfreezeEmail => "unfreeze_email",
            Self::StepUpPhone => "step_up_phone",
            Self::StepUpEmail => "step_up_email",
            Self::ConfirmNumber => "confirm_number",
            Self::TrustedFreeze => "trusted_freeze",
            Self::RecoveryPhone => "recovery_phone",
            Self::RecoveryResume => "recovery_resume",
            Self::NewPhone => "new_phone",
            Self::NewEmail => "new_email",
        }
    }

    /// From the stable name.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::SignIn,
            Self::ConfirmEmail,
            Self::Freeze,
            Self::UnfreezePhone,
            Self::UnfreezeEmail,
            Self::StepUpPhone,
            Self::StepUpEmail,
            Self::ConfirmNumber,
            Self::TrustedFreeze,
            Self::RecoveryPhone,
            Self::RecoveryResume,
            Self::NewPhone,
            Self::NewEmail,
        ]
        .into_iter()
        .find(|purpose| purpose.as_str() == name)
    }
}

/// How a code travels (ID-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A text message.
    Sms,
    /// A call that need not be answered: the code is the end of the calling number.
    Call,
    /// A letter.
    Email,
}

impl Channel {
    /// The stable name in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Call => "call",
            Self::Email => "email",
        }
    }

    /// From the stable name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Sms, Self::Call, Self::Email]
            .into_iter()
            .find(|channel| channel.as_str() == name)
    }
}

/// One code that was sent, as the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// What for.
    pub purpose: Purpose,
    /// The browser that asked; no other may answer (A16).
    pub browser: [u8; 32],
    /// Digits.
    pub digits: u8,
    /// Tries made.
    pub tries: u32,
    /// Tries it allows.
    pub tries_most: u32,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
    /// When a newer code took its place.
    pub voided_at: Option<Timestamp>,
}

/// Why a code that was typed is not accepted, in the order it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAccepted {
    /// Used, replaced or exhausted: only a new one helps. One answer for all three (A8).
    Dead,
    /// Its time is over; the page says so in other words than "wrong" (ux §3).
    Expired,
    /// Not the code.
    Wrong {
        /// Tries left.
        left: u32,
    },
}

/// A challenge that may be tried: the only thing that can judge a code.
#[derive(Debug)]
pub struct Live<'a>(&'a Challenge);

impl Challenge {
    /// May it be tried by this browser, for this purpose, now?
    pub fn live(
        &self,
        purpose: Purpose,
        browser: &[u8; 32],
        now: Timestamp,
    ) -> Result<Live<'_>, NotAccepted> {
        let foreign = self.purpose != purpose || self.browser != *browser;
        let ended = self.used_at.is_some() || self.voided_at.is_some();
        if foreign || ended || self.tries >= self.tries_most {
            return Err(NotAccepted::Dead);
        }
        if now >= self.expires_at {
            return Err(NotAccepted::Expired);
        }
        Ok(Live(self))
    }
}

impl Live<'_> {
    /// Judges one try; it has been counted by the caller whatever comes out.
    pub fn judge(self, matches: bool) -> Result<(), NotAccepted> {
        if matches {
            return Ok(());
        }
        let tries = self.0.tries.saturating_add(1);
        match self.0.tries_most.saturating_sub(tries) {
            0 => Err(NotAccepted::Dead),
            left => Err(NotAccepted::Wrong { left }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    const BROWSER: [u8; 32] = [7; 32];

    fn challenge() -> Challenge {
        Challenge {
            purpose: Purpose::SignIn,
            browser: BROWSER,
            digits: 6,
            tries: 0,
            tries_most: 5,
            expires_at: Timestamp::from_secs(300),
            used_at: None,
            voided_at: None,
        }
    }

    /// ID-2: one purpose, one browser, one use, five tries, five minutes.
    #[test]
    fn each_bound_holds_alone() {
        use NotAccepted::{Dead, Expired};
        let now = Timestamp::from_secs(100);
        let end = |c: Challenge| c.live(Purpose::SignIn, &BROWSER, now).map(|_| ());
        let table: [(&str, Challenge, Result<(), NotAccepted>); 6] = [
            ("as sent", challenge(), Ok(())),
            (
                "used",
                Challenge {
                    used_at: Some(now),
                    ..challenge()
                },
                Err(Dead),
            ),
            (
                "replaced",
                Challenge {
                    voided_at: Some(now),
                    ..challenge()
                },
                Err(Dead),
            ),
            (
                "exhausted",
                Challenge {
                    tries: 5,
                    ..challenge()
                },
                Err(Dead),
            ),
            (
                "expired",
                Challenge {
                    expires_at: now,
                    ..challenge()
                },
                Err(Expired),
            ),
            (
                "exhausted and expired",
                Challenge {
                    tries: 5,
                    expires_at: now,
                    ..challenge()
                },
                Err(Dead),
            ),
        ];
        for (name, challenge, expected) in table {
            assert_eq!(end(challenge), expected, "{name}");
        }
        let sent = challenge();
        assert!(
            sent.live(Purpose::Freeze, &BROWSER, now).is_err(),
            "A15: another purpose"
        );
        assert!(
            sent.live(Purpose::SignIn, &[8; 32], now).is_err(),
            "A16: another browser"
        );
    }

    #[test]
    fn names_round_trip() {
        for purpose in [
            "sign_in",
            "confirm_email",
            "freeze",
            "unfreeze_phone",
            "unfreeze_email",
        ] {
            assert_eq!(Purpose::from_name(purpose).unwrap().as_str(), purpose);
        }
        for channel in ["sms", "call", "email"] {
            assert_eq!(Channel::from_name(channel).unwrap().as_str(), channel);
        }
    }

    proptest! {
        /// ID-2: a code dies with the fifth wrong try and never accepts afterwards, even the right code (A8).
        #[test]
        fn five_tries_and_no_more(tries in prop::collection::vec(any::<bool>(), 1..20), secs in 0_u64..600) {
            let mut challenge = challenge();
            let now = Timestamp::from_secs(0).saturating_add(Duration::from_secs(secs));
            let (mut wrong, mut accepted) = (0, 0);
            for right in tries {
                let Ok(live) = challenge.live(Purpose::SignIn, &BROWSER, now) else { continue };
                match live.judge(right) {
                    Ok(()) => { accepted += 1; challenge.used_at = Some(now); }
                    Err(_) => wrong += 1,
                }
                challenge.tries += 1;
            }
            prop_assert!(accepted <= 1 && wrong <= 5);
            prop_assert!(secs < 300 || accepted + wrong == 0);
        }
    }
}
