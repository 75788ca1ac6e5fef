//! The words themselves: `locales/*/messages.ftl`.

use std::fmt;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use kernel::Locale;

use super::SecurityEvent;

const RU: &str = include_str!("../../../../locales/ru/messages.ftl");
const EN: &str = include_str!("../../../../locales/en/messages.ftl");

pub(super) struct Words {
    ru: FluentBundle<FluentResource>,
    en: FluentBundle<FluentResource>,
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Words")
    }
}

impl Words {
    pub(super) fn load() -> Result<Self, String> {
        Ok(Self {
            ru: bundle(Locale::Ru, RU)?,
            en: bundle(Locale::En, EN)?,
        })
    }

    /// The text with its variables; `None` if anything is missing.
    pub(super) fn say(
        &self,
        locale: Locale,
        id: &str,
        args: &[(&'static str, &str)],
        count: Option<(&'static str, u32)>,
    ) -> Option<String> {
        let bundle = match locale {
            Locale::Ru => &self.ru,
            Locale::En => &self.en,
        };
        let mut all = FluentArgs::new();
        for (name, value) in args {
            all.set(*name, FluentValue::from(*value));
        }
        if let Some((name, count)) = count {
            all.set(name, FluentValue::from(count));
        }
        let pattern = bundle.get_message(id)?.value()?;
        let mut errors = Vec::new();
        let said = bundle.format_pattern(pattern, Some(&all), &mut errors);
        errors.is_empty().then(|| said.into_owned())
    }
}

fn bundle(locale: Locale, source: &str) -> Result<FluentBundle<FluentResource>, String> {
    let language = locale.tag().parse().map_err(|_| "language".to_owned())?;
    let mut bundle = FluentBundle::new_concurrent(vec![language]);
    // Isolation marks would be paid for in every SMS; what goes in is inert.
    bundle.set_use_isolating(false);
    let resource = FluentResource::try_new(source.to_owned())
        .map_err(|(_, errors)| format!("messages.ftl ({locale}): {errors:?}"))?;
    bundle
        .add_resource(resource)
        .map_err(|errors| format!("messages.ftl ({locale}): {errors:?}"))?;
    Ok(bundle)
}

macro_rules! ids {
    ($prefix:literal, $event:expr, $($variant:ident $name:literal),+ $(,)?) => {
        match $event {
            $(SecurityEvent::$variant => concat!($prefix, $name),)+
        }
    };
}

macro_rules! by_event {
    ($prefix:literal, $event:expr) => {
        ids!(
            $prefix, $event,
            NewDevice "new-device", EmailAdded "email-added", EmailChanged "email-changed",
            EmailRemoved "email-removed", PhoneChanged "phone-changed", Frozen "frozen",
            Unfrozen "unfrozen", SessionsEnded "sessions-ended", Suspicious "suspicious",
            CodeResting "code-resting", ProfileChanged "profile-changed",
            ConsentChanged "consent-changed", SecretChanged "secret-changed",
            PasskeyAdded "passkey-added", PasskeyRemoved "passkey-removed",
            PasskeySuspected "passkey-suspected",
            PasswordSet "password-set",
            PasswordRemoved "password-removed",
            PasscodeSet "passcode-set",
            PasscodeRemoved "passcode-removed",
            PasscodeGone "passcode-gone",
            KeyAdded "key-added",
            CodeWordSet "code-word-set",
            CodeWordClosed "code-word-closed",
            TotpAdded "totp-added", TotpRemoved "totp-removed",
            BackupCodesIssued "backup-codes-issued", BackupCodeUsed "backup-code-used",
            BackupCodesVoid "backup-codes-void",
            SecondFactorOn "second-factor-on", SecondFactorOff "second-factor-off",
            LetInRefused "let-in-refused", NumberDoubted "number-doubted",
            NumberCleared "number-cleared", TrustedNamed "trusted-named",
            TrustedRemoved "trusted-removed",
            RecoveryStarted "recovery-started", RecoveryStopped "recovery-stopped",
            PhoneMoving "phone-moving", EmailMoving "email-moving",
            MoveStopped "move-stopped", MoveDisputed "move-disputed",
            MoveLapsed "move-lapsed", PhoneRestored "phone-restored",
            EmailRestored "email-restored",
        )
    };
}

/// The text of an event in a letter.
pub(super) const fn long(event: SecurityEvent) -> &'static str {
    by_event!("msg-event-", event)
}

/// The text of an event in an SMS.
pub(super) const fn short(event: SecurityEvent) -> &'static str {
    by_event!("msg-short-", event)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both languages have the same texts with the same variables.
    #[test]
    fn the_languages_agree() {
        let shape = |source: &str| {
            let mut shape: Vec<(String, Vec<String>)> = Vec::new();
            for line in source.lines() {
                let named = line
                    .split_once(" =")
                    .filter(|(name, _)| name.starts_with("msg-"));
                if let Some((name, _)) = named {
                    shape.push((name.to_owned(), Vec::new()));
                }
                if let Some((_, variables)) = shape.last_mut() {
                    for part in line.split("{ $").skip(1) {
                        variables.push(part.split([' ', '}']).next().unwrap().to_owned());
                    }
                    variables.sort();
                    variables.dedup();
                }
            }
            shape
        };
        assert_eq!(shape(RU), shape(EN));
        assert!(shape(RU).len() > 40);
    }
}
