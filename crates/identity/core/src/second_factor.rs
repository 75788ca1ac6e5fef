//! Whether a right code is enough to sign in (ID-8, ID-8a, A47).

use crate::assurance::{Has, Method};

/// Why sign-in asks for more than the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The owner asked for it (ID-8).
    Setting,
    /// The number was not proved for a long time: it may be another person's now (A47).
    Aged,
    /// Its operator says that its SIM card or its owner has changed (ID-8a).
    Doubted,
}

/// What is known of the identifier that was proved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Not proved for a long time.
    pub is_aged: bool,
    /// In doubt.
    pub is_doubted: bool,
}

/// What counts as the second factor after a code, the one to offer first at the front.
pub fn ways(has: &Has) -> Vec<Method> {
    [
        (has.passkey, Method::Passkey),
        (has.totp, Method::Totp),
        (has.password, Method::Password),
        (has.backup_code, Method::BackupCode),
    ]
    .into_iter()
    .filter(|(there, _)| *there)
    .map(|(_, method)| method)
    .collect()
}

/// Whether a showing is a second factor beside whatever else was shown. The passcode is one: it is only ever
/// shown with the key of its browser or with a fresh code, so whoever shows it holds one thing and knows another.
/// It is no way of [`ways`], for a browser that is not signed in cannot show it.
pub const fn is_second(method: Method) -> bool {
    match method {
        Method::Passkey
        | Method::Password
        | Method::Passcode
        | Method::Totp
        | Method::BackupCode => true,
        Method::Sms | Method::Call | Method::Email | Method::Device => false,
    }
}

/// Whether a code alone is not enough: the reason and what would do. `None` when it is, also when the account
/// has nothing else to show: a setting must not lock its owner out.
pub fn needed(setting: bool, standing: Standing, has: &Has) -> Option<(Why, Vec<Method>)> {
    let why = if standing.is_doubted {
        Why::Doubted
    } else if standing.is_aged {
        Why::Aged
    } else if setting {
        Why::Setting
    } else {
        return None;
    };
    let ways = ways(has);
    (!ways.is_empty()).then_some((why, ways))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// ID-8, A47: asked for exactly when there is a reason and something to show; codes and the passcode
        /// never count as the second factor.
        #[test]
        fn asked_for_with_a_reason(bits in any::<[bool; 7]>(), setting: bool, is_aged: bool, is_doubted: bool) {
            let [phone, email, passkey, password, passcode, totp, backup_code] = bits;
            let has = Has {
                phone, email, passkey, password, passcode, totp, backup_code, ..Has::default()
            };
            let needed = needed(setting, Standing { is_aged, is_doubted }, &has);
            let reason = setting || is_aged || is_doubted;
            let something = passkey || password || totp || backup_code;
            prop_assert_eq!(needed.is_some(), reason && something);
            if let Some((_, ways)) = needed {
                prop_assert!(!ways.is_empty());
                prop_assert!(ways.iter().copied().all(is_second));
                prop_assert!(ways.iter().all(|m| matches!(
                    m, Method::Passkey | Method::Password | Method::Totp | Method::BackupCode
                )));
            }
        }
    }
}
