//! How sure Kabinet is of the owner, and what each sensitive action asks for (step-up).
//!
//! An action states what it needs: how strong, how fresh, and whether the proof must have been made for this
//! very action. A session has what it has shown. [`missing`] is the difference; the page asks for that and
//! comes back. Everything here is data and plain functions; who was shown what is the service's business.

use std::time::Duration;

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{challenge::Channel, slices};

const MINUTE: Duration = Duration::from_secs(60);

/// A way to show oneself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A code by SMS.
    Sms,
    /// A code by call.
    Call,
    /// A code by e-mail.
    Email,
    /// Let in by a signed-in phone (ID-7).
    Device,
    /// A passkey with user verification (ID-5).
    Passkey,
    /// The password.
    Password,
    /// The passcode together with the device's key or a fresh code (ID-3).
    Passcode,
    /// A code of an authenticator app (ID-8).
    Totp,
    /// A backup code (ID-8).
    BackupCode,
}

impl Method {
    /// Every method, weakest first.
    pub const ALL: [Self; 9] = [
        Self::Email,
        Self::Call,
        Self::Sms,
        Self::Device,
        Self::BackupCode,
        Self::Totp,
        Self::Passcode,
        Self::Password,
        Self::Passkey,
    ];

    /// The stable name in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Call => "call",
            Self::Email => "email",
            Self::Device => "device",
            Self::Passkey => "passkey",
            Self::Password => "password",
            Self::Passcode => "passcode",
            Self::Totp => "totp",
            Self::BackupCode => "backup_code",
        }
    }

    /// From the stable name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == name)
    }

    /// A call proves the same number as an SMS does.
    const fn as_leg(self) -> Self {
        match self {
            Self::Call => Self::Sms,
            other => other,
        }
    }
}

impl From<Channel> for Method {
    fn from(channel: Channel) -> Self {
        match channel {
            Channel::Sms => Self::Sms,
            Channel::Call => Self::Call,
            Channel::Email => Self::Email,
        }
    }
}

/// One showing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// How.
    pub method: Method,
    /// When.
    pub at: Timestamp,
    /// Since when the account has what was shown; `None` where that says nothing of the owner.
    pub since: Option<Timestamp>,
}

/// A set of methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Methods([bool; Method::ALL.len()]);

impl Methods {
    /// Puts one in.
    pub fn add(&mut self, method: Method) {
        for (held, there) in self.0.iter_mut().zip(Method::ALL) {
            *held |= there == method.as_leg();
        }
    }

    /// Whether it is in.
    pub fn has(&self, method: Method) -> bool {
        let mut all = self.0.iter().zip(Method::ALL);
        all.any(|(held, there)| *held && there == method.as_leg())
    }
}

/// How strong a proof must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strength {
    /// The strongest the account has (CH-1): a passkey, the password, the passcode, an authenticator app or a
    /// backup code; when it has none of them, a code to every identifier it has.
    Owner,
    /// What opens the bank section (ID-3): a passkey, the password or the passcode.
    Bank,
    /// The same for letting money go; each counts a day after it was made or chosen (A62).
    Money,
    /// What replaces a way to the account (CH-1, CH-3): the strongest the account has, which is another factor than
    /// the phone where there is one (A48), and beside it a code to the old phone or to the e-mail.
    Replace,
}

/// What an action asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// How strong.
    pub strength: Strength,
    /// What the session has shown this recently counts too. `None`: only a proof made for this very action
    /// and its content, used once.
    pub session_within: Option<Duration>,
}

/// How long a proof made for an action may wait for it, and what was typed with it.
pub const STEP_LIFE: Duration = MINUTE.saturating_mul(10);
/// A step that waits this long at most is answered again when the same is asked anew: whoever comes to it has at
/// least as long to show themselves.
pub const STEP_REUSED: Duration = MINUTE.saturating_mul(5);
/// A passkey, a password or a passcode approves money from this age on (A62): whoever has just added one of them
/// to somebody's account waits until the owner has had a day to hear of it.
pub const RIPENS: Duration = Duration::from_secs(24 * 3_600);
/// What was shown this recently counts for what only adds to the account's safety (A48, A62).
const RECENT: Duration = MINUTE.saturating_mul(5);
/// What was shown this recently counts for the first e-mail: long enough to register, to give one's name and to find
/// the mailbox, and no help to whoever has an old session (A48; ASVS 7.5.1).
const SITTING: Duration = MINUTE.saturating_mul(15);

macro_rules! actions {
    ($($(#[$doc:meta])* $action:ident = $name:literal: $strength:ident $recent:expr;)*) => {
        /// A sensitive action.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Action { $($(#[$doc])* $action,)* }

        impl Action {
            /// Every action.
            pub const ALL: &'static [Self] = &[$(Self::$action,)*];

            /// The stable name in the database and the API.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$action => $name,)* }
            }

            /// What it asks for.
            pub const fn need(self) -> Need {
                match self {
                    $(Self::$action => Need { strength: Strength::$strength, session_within: $recent },)*
                }
            }
        }
    };
}

actions! {
    /// Opening the bank section (ID-9).
    OpenBank = "open_bank": Bank None;
    /// Setting or replacing the password.
    SetPassword = "set_password": Owner Some(RECENT);
    /// Removing the password.
    RemovePassword = "remove_password": Owner None;
    /// Setting or replacing the passcode.
    SetPasscode = "set_passcode": Owner Some(RECENT);
    /// Removing the passcode.
    RemovePasscode = "remove_passcode": Owner None;
    /// Adding a passkey (A62).
    AddPasskey = "add_passkey": Owner Some(RECENT);
    /// Removing a passkey.
    RemovePasskey = "remove_passkey": Owner None;
    /// Connecting an authenticator app.
    AddTotp = "add_totp": Owner Some(RECENT);
    /// Disconnecting it.
    RemoveTotp = "remove_totp": Owner None;
    /// Issuing backup codes anew; the old ones die.
    IssueBackupCodes = "issue_backup_codes": Owner None;
    /// Asking for the second factor at every sign-in.
    AskSecondFactor = "ask_second_factor": Owner Some(RECENT);
    /// No longer asking for it.
    DropSecondFactor = "drop_second_factor": Owner None;
    /// Setting the first code word; a set one is changed through support only (RE-9).
    SetCodeWord = "set_code_word": Owner Some(RECENT);
    /// Naming a trusted person (ID-8a).
    NameTrusted = "name_trusted": Owner None;
    /// Removing one.
    RemoveTrusted = "remove_trusted": Owner None;
    /// Letting a computer in (ID-7).
    LetIn = "let_in": Owner Some(RECENT);
    /// Clearing the doubt of a number, beside its code (ID-8a).
    ClearDoubt = "clear_doubt": Owner Some(RECENT);
    /// Adding the first e-mail (ID-4). Changing one is another matter (CH-3).
    AddEmail = "add_email": Owner Some(SITTING);
    /// Letting money go.
    ApproveMoney = "approve_money": Money None;
    /// Another phone, at once (CH-1).
    ChangePhone = "change_phone": Replace None;
    /// Another e-mail, at once (CH-3).
    ChangeEmail = "change_email": Replace None;
    /// Another phone without the old one: after a hold (CH-2).
    HoldPhone = "hold_phone": Bank None;
    /// Another e-mail without the old one: after a hold (CH-3).
    HoldEmail = "hold_email": Bank None;
}

impl Action {
    /// How long before it a proof may have been shown that still counts for it.
    pub fn freshness(self) -> Duration {
        self.need().session_within.unwrap_or(self.step_life())
    }

    /// How long a step of this action lives, and so how old its oldest proof can be. What replaces a way to the
    /// account is confirmed within five minutes (A48).
    pub const fn step_life(self) -> Duration {
        match self {
            Self::ChangePhone | Self::ChangeEmail | Self::HoldPhone | Self::HoldEmail => RECENT,
            _ => STEP_LIFE,
        }
    }

    /// How old a waiting step may be that is answered again: whoever comes to it has half of its life left.
    pub fn step_reused(self) -> Duration {
        let half = self.step_life().checked_div(2);
        STEP_REUSED.min(half.unwrap_or_default())
    }

    /// From the stable name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|action| action.as_str() == name)
    }
}

/// What an account could show.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says whether one thing is there; none depends on another's state"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Has {
    /// A phone whose codes still open something (ID-8a).
    pub phone: bool,
    /// A confirmed e-mail.
    pub email: bool,
    /// A passkey that was not suspected of being cloned.
    pub passkey: bool,
    /// The password.
    pub password: bool,
    /// The passcode, with tries left.
    pub passcode: bool,
    /// A confirmed authenticator app.
    pub totp: bool,
    /// An unused backup code.
    pub backup_code: bool,
    /// Of these, what is old enough for money ([`RIPENS`]).
    pub ripe: Methods,
    /// Of these, what has been there for so long that no hijacker of today has made it ([`slices::OLD`]).
    pub old: Methods,
}

impl Has {
    /// Notes the ages of something the account could show.
    pub fn aged(&mut self, method: Method, since: Timestamp, now: Timestamp) {
        let age = now.since(since);
        if age >= RIPENS {
            self.ripe.add(method);
        }
        if age >= slices::OLD {
            self.old.add(method);
        }
    }
}

/// Methods that suffice together.
pub type Way = Vec<Method>;

/// The ways that satisfy a strength, the one to offer first at the front. Empty: the account must first be
/// given something to show.
pub fn ways(strength: Strength, has: &Has) -> Vec<Way> {
    let mut ways: Vec<Way> = OPENS_BANK
        .into_iter()
        .filter(|method| match method {
            Method::Passkey => has.passkey,
            Method::Passcode => has.passcode,
            _ => has.password,
        })
        .filter(|method| strength != Strength::Money || has.ripe.has(*method))
        .map(|method| vec![method])
        .collect();
    if !matches!(strength, Strength::Owner | Strength::Replace) {
        return ways;
    }
    if has.totp {
        ways.push(vec![Method::Totp]);
    }
    if has.backup_code {
        ways.push(vec![Method::BackupCode]);
    }
    let codes: Way = [(has.phone, Method::Sms), (has.email, Method::Email)]
        .into_iter()
        .filter(|(there, _)| *there)
        .map(|(_, method)| method)
        .collect();
    if strength == Strength::Replace {
        return with_a_code(&ways, codes, has.phone);
    }
    if ways.is_empty() && !codes.is_empty() {
        ways.push(codes);
    }
    ways
}

/// Each of these ways with a code to one identifier. Without any, codes to all of them; a mailbox alone replaces
/// nothing (RE-2).
fn with_a_code(ways: &[Way], codes: Way, has_phone: bool) -> Vec<Way> {
    if ways.is_empty() {
        return if has_phone { vec![codes] } else { Vec::new() };
    }
    let beside = |code: &Method| {
        let code = *code;
        ways.iter()
            .map(move |way| way.iter().copied().chain([code]).collect())
    };
    codes.iter().flat_map(beside).collect()
}

/// What stands between a session and an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// Nothing.
    Nothing,
    /// One of these ways; of each only what was not shown yet.
    OneOf(Vec<Way>),
    /// The account has nothing that would do: it must be given something first.
    NothingToShow,
}

/// What is still to be shown. `shown` is what counts already: by the session, recently enough, or for this
/// very action.
pub fn missing(strength: Strength, has: &Has, shown: &[Shown], now: Timestamp) -> Missing {
    let least = (strength == Strength::Money).then_some(RIPENS);
    of_age(ways(strength, has), least, shown, now)
}

/// The same where only what is old counts (A50): of the ways that satisfy the strength those that were there
/// before any hijacker of today, shown by themselves.
pub fn missing_old(strength: Strength, has: &Has, shown: &[Shown], now: Timestamp) -> Missing {
    of_age(old_ways(strength, has), Some(slices::OLD), shown, now)
}

/// The ways that satisfy a strength by old things alone. They are taken of all its ways, so that an old phone never
/// stands in for a password that is younger.
pub fn old_ways(strength: Strength, has: &Has) -> Vec<Way> {
    let mut ways = ways(strength, has);
    ways.retain(|way| way.iter().all(|method| has.old.has(*method)));
    ways
}

fn of_age(ways: Vec<Way>, least: Option<Duration>, shown: &[Shown], now: Timestamp) -> Missing {
    let is_aged = |shown: &Shown| {
        let Some(least) = least else { return true };
        shown.since.is_some_and(|since| now.since(since) >= least)
    };
    let counts = |method: Method| {
        let mut shown = shown.iter();
        shown.any(|shown| shown.method.as_leg() == method && is_aged(shown))
    };
    if ways.is_empty() {
        return Missing::NothingToShow;
    }
    let left: Vec<Way> = ways
        .into_iter()
        .map(|way| way.into_iter().filter(|method| !counts(*method)).collect())
        .collect();
    if left.iter().any(Vec::is_empty) {
        return Missing::Nothing;
    }
    Missing::OneOf(least_of(&left))
}

/// Without the ways that ask for all that another asks for, and more.
fn least_of(ways: &[Way]) -> Vec<Way> {
    let mut kept: Vec<Way> = Vec::with_capacity(ways.len());
    for way in ways {
        let is_more = |other: &Way| {
            let is_within = other.iter().all(|method| way.contains(method));
            is_within && other.len() < way.len()
        };
        if !ways.iter().any(is_more) && !kept.contains(way) {
            kept.push(way.clone());
        }
    }
    kept
}

/// Methods that open the bank section, each by itself, the one to offer first at the front (ID-3).
pub const OPENS_BANK: [Method; 3] = [Method::Passkey, Method::Passcode, Method::Password];

/// What of a session's showings counts for an action now.
pub fn counting(need: Need, session: &[Shown], now: Timestamp) -> Vec<Shown> {
    let Some(within) = need.session_within else {
        return Vec::new();
    };
    session
        .iter()
        .copied()
        .filter(|shown| shown.at <= now && now.since(shown.at) < within)
        .collect()
}

#[cfg(test)]
mod tests;
