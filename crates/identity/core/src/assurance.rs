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
}

impl Action {
    /// How long before it a proof may have been shown that still counts for it.
    pub fn freshness(self) -> Duration {
        self.need().session_within.unwrap_or(STEP_LIFE)
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
    if strength != Strength::Owner {
        return ways;
    }
    if has.totp {
        ways.push(vec![Method::Totp]);
    }
    if has.backup_code {
        ways.push(vec![Method::BackupCode]);
    }
    if ways.is_empty() {
        let codes: Way = [(has.phone, Method::Sms), (has.email, Method::Email)]
            .into_iter()
            .filter(|(there, _)| *there)
            .map(|(_, method)| method)
            .collect();
        if !codes.is_empty() {
            ways.push(codes);
        }
    }
    ways
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
    Missing::OneOf(left)
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
mod tests {
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
            Just(Strength::Money)
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

    #[test]
    fn names_round_trip() {
        for method in Method::ALL {
            assert_eq!(Method::from_name(method.as_str()), Some(method));
        }
        for action in Action::ALL {
            assert_eq!(Action::from_name(action.as_str()), Some(*action));
        }
    }
}
