//! What became of a command: answers that can be kept and given again, so each is plain data.

use identity_core::{
    challenge::{NotAccepted, Purpose},
    guessing::Refused,
    sending::NotNow,
};
use identity_service::{codes::Asked, email, sign_in::Welcome};
use kernel::Timestamp;
use serde::{Deserialize, Serialize};

/// What became of asking for a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskDone {
    /// On its way.
    Sent,
    /// The pause after the previous code: the page of that code says when.
    Pause {
        /// Microseconds UTC.
        until: i64,
    },
    /// No more now, for this identifier, network or range of numbers.
    UsedUp {
        /// Microseconds UTC.
        until: i64,
    },
    /// No more calls now; another channel is open.
    Calls {
        /// Microseconds UTC.
        until: i64,
    },
    /// Codes are closed for this identifier until a stronger factor is shown.
    Closed,
    /// No messages go to this country.
    Country,
    /// The account has a confirmed address already.
    HasOne,
}

impl From<Asked> for AskDone {
    fn from(asked: Asked) -> Self {
        let micros = |until: Timestamp| until.as_micros();
        match asked {
            Asked::Sent => Self::Sent,
            Asked::NotNow(NotNow::Pause { until }) => Self::Pause {
                until: micros(until),
            },
            Asked::NotNow(NotNow::Calls { until }) => Self::Calls {
                until: micros(until),
            },
            Asked::NotNow(other) => Self::UsedUp {
                until: micros(other.until()),
            },
            Asked::Closed => Self::Closed,
            Asked::Country => Self::Country,
        }
    }
}

/// Why a code was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Not the code.
    Wrong {
        /// Tries left.
        left: u32,
    },
    /// Used, replaced or exhausted.
    Dead,
    /// Its time is over.
    Expired,
    /// Codes rest.
    Rests {
        /// Microseconds UTC.
        until: i64,
    },
    /// Codes are closed until a stronger factor is shown.
    Closed,
    /// Not the password.
    Password,
    /// Passwords rest.
    PasswordRests {
        /// Microseconds UTC.
        until: i64,
    },
    /// The password is closed until it is set anew.
    PasswordClosed,
    /// Not the passcode.
    Passcode {
        /// Tries left.
        left: u32,
    },
    /// The passcode is gone: it must be set anew.
    PasscodeGone,
    /// The signature is not by the key of this browser.
    NotThisBrowser,
    /// A code to the phone comes before the passcode.
    CodeFirst,
    /// Not the code of the app, or no backup code of this account.
    FactorWrong,
    /// The code of the app was taken before: the next one comes within thirty seconds.
    FactorUsed,
}

impl From<NotAccepted> for Refusal {
    fn from(why: NotAccepted) -> Self {
        match why {
            NotAccepted::Wrong { left } => Self::Wrong { left },
            NotAccepted::Dead => Self::Dead,
            NotAccepted::Expired => Self::Expired,
        }
    }
}

impl From<Refused> for Refusal {
    fn from(why: Refused) -> Self {
        match why {
            Refused::Rests { until } | Refused::Network { until } => Self::Rests {
                until: until.as_micros(),
            },
            Refused::Closed => Self::Closed,
        }
    }
}

/// Somebody is in. Holds secrets: kept sealed, never printed.
#[derive(Clone, Serialize, Deserialize)]
pub struct Entered {
    /// Text of the session token.
    pub token: String,
    /// Text of the browser's token, when it is new.
    pub browser: Option<String>,
    /// Where to go.
    pub next: String,
    /// The account was made just now.
    pub is_new: bool,
}

impl From<Box<Welcome>> for Entered {
    fn from(welcome: Box<Welcome>) -> Self {
        Self {
            token: welcome.token.expose(),
            browser: welcome
                .browser
                .map(|browser| browser.expose().as_str().to_owned()),
            next: welcome.next.as_str().to_owned(),
            is_new: welcome.is_new,
        }
    }
}

/// What became of a sign-in code.
#[derive(Clone, Serialize, Deserialize)]
pub enum VerifyDone {
    /// In.
    In(Entered),
    /// Right; the consent is asked for.
    NeedsConsent,
    /// Right; a second factor is asked for.
    NeedsSecond,
    /// No.
    Refused(Refusal),
}

/// What became of a registration.
#[derive(Clone, Serialize, Deserialize)]
pub enum RegisterDone {
    /// In.
    In(Entered),
    /// A second factor is asked for.
    NeedsSecond,
    /// The box was not ticked.
    ConsentMissing,
    /// Begin anew.
    ProofMissing,
}

/// What became of a confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmDone {
    /// The address is the account's.
    Done,
    /// It leads to another account.
    Taken,
    /// The account has another address.
    HasOne,
    /// The account is frozen.
    Frozen,
    /// The link was used, has run out, or never was.
    LinkOver,
    /// No.
    Refused(Refusal),
}

impl From<email::Confirmed> for ConfirmDone {
    fn from(confirmed: email::Confirmed) -> Self {
        use email::Confirmed as C;
        match confirmed {
            C::Done => Self::Done,
            C::Taken => Self::Taken,
            C::HasOne => Self::HasOne,
            C::Frozen => Self::Frozen,
            C::LinkOver => Self::LinkOver,
            C::NotAccepted(why) => Self::Refused(why.into()),
            C::Refused(why) => Self::Refused(why.into()),
        }
    }
}

/// What became of a code that freezes or lifts a freeze.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FreezeDone {
    /// Done.
    Done,
    /// Right; this proof comes next.
    Next(Purpose),
    /// No.
    Refused(Refusal),
}

/// What became of a change of the profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileDone {
    /// Nothing differed.
    Same,
    /// It is in the profile.
    Accepted,
    /// It waits for a check.
    Waits,
}
