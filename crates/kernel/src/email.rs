//! E-mail addresses: one canonical form to write to, one key to be unique by
//! (A52).

use std::fmt;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Serialize};

use crate::text;

/// The longest address, in bytes (RFC 5321 §4.5.3.1.3, less the brackets).
const MAX_BYTES: usize = 254;
/// The longest part before the `@`, in bytes (RFC 5321 §4.5.3.1.1).
const MAX_LOCAL_BYTES: usize = 64;

/// An address that mail can be sent to: `ivanova@mail.ru`.
///
/// Small letters throughout: RFC 5321 lets a server tell `Ivan` from `ivan`,
/// none that people use does, and two accounts that differ only by case would
/// be one person (A52). Plus tags and dots stay, because mail must go where
/// its owner sorts it; uniqueness is kept by [`Email::index_form`]. The domain
/// is in its ASCII form. `Debug` shows it masked; serde writes the canonical
/// form, so serialise it only into what is stored encrypted or shown to its
/// owner.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email {
    address: String,
    /// Where the `@` stands in `address`.
    at: usize,
}

/// Why a text is not an address. Never holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// Nothing was typed.
    #[error("the address is empty")]
    Empty,
    /// More than 254 bytes, or more than 64 before the `@`.
    #[error("the address is too long")]
    TooLong,
    /// No `@`, or several.
    #[error("the address needs exactly one @")]
    At,
    /// What stands before the `@` is not letters, digits and the signs of a
    /// dot-atom, with single dots inside.
    #[error("the part before the @ has characters or dots that it cannot have")]
    Local,
    /// What stands after the `@` is no internet domain.
    #[error("the part after the @ is not a domain")]
    Domain,
    /// The domain mixes alphabets, uses one other than Latin and Cyrillic, or
    /// is Cyrillic that reads as Latin: somebody else's name in disguise.
    #[error("the domain mixes alphabets or imitates another domain")]
    LookAlike,
}

impl Email {
    /// Reads an address as people type it; spaces around it are dropped.
    pub fn parse(typed: &str) -> Result<Self, EmailError> {
        // Well above what fits, so that a million characters are not walked.
        if typed.len() > MAX_BYTES.saturating_mul(4) {
            return Err(EmailError::TooLong);
        }
        let typed = typed.trim_matches(|c| text::is_space(c) || text::is_invisible(c));
        if typed.is_empty() {
            return Err(EmailError::Empty);
        }
        let (local, domain) = typed.split_once('@').ok_or(EmailError::At)?;
        if domain.contains('@') {
            return Err(EmailError::At);
        }
        let local = local_part(local)?;
        let domain = domain_part(domain)?;
        let address = format!("{local}@{domain}");
        if address.len() > MAX_BYTES {
            return Err(EmailError::TooLong);
        }
        Ok(Self {
            at: local.len(),
            address,
        })
    }

    /// The canonical address, the one that mail is sent to: ASCII, at most 254
    /// bytes.
    pub fn as_str(&self) -> &str {
        &self.address
    }

    /// The part before the `@`.
    pub fn local(&self) -> &str {
        self.address.get(..self.at).unwrap_or("")
    }

    /// The domain in ASCII form.
    pub fn domain(&self) -> &str {
        self.address.get(self.at.saturating_add(1)..).unwrap_or("")
    }

    /// The key of uniqueness: two addresses of one mailbox have one key where
    /// the provider is known to deliver them to the same mailbox. Only for
    /// keyed hashes and comparing; never write to it.
    ///
    /// | provider | the same mailbox |
    /// |---|---|
    /// | Gmail | dots and `+tag` ignored; googlemail.com |
    /// | Yandex | `-` is `.`; `+tag` ignored; ya.ru, yandex.ru, .com, .by, .kz, .ua, narod.ru |
    /// | Mail.ru (mail, inbox, list, bk, internet .ru) | `+tag` ignored; each domain its own |
    /// | Outlook (outlook, hotmail, live .com) | `+tag` ignored; each domain its own |
    /// | iCloud | `+tag` ignored; icloud.com, me.com, mac.com |
    /// | Proton | dots, `-`, `_` and `+tag` ignored; proton.me, protonmail.com, pm.me |
    ///
    /// Everywhere else the address itself is the key: guessing could give one
    /// person's mailbox to another.
    pub fn index_form(&self) -> String {
        let Some(rule) = PROVIDERS
            .iter()
            .find(|p| p.domains.contains(&self.domain()))
        else {
            return self.address.clone();
        };
        let local = self.local();
        let untagged = local.split_once('+').map_or(local, |(name, _)| name);
        let mut name: String = untagged
            .chars()
            .filter(|c| !rule.ignored.contains(*c))
            .collect();
        if rule.dot_is_dash {
            name = name.replace('.', "-");
        }
        // `+x@…` and `_@…` are no mailbox there; let them be only themselves.
        if name.is_empty() {
            return self.address.clone();
        }
        match rule.domains.first() {
            Some(main) if rule.one_mailbox => format!("{name}@{main}"),
            _ => format!("{name}@{}", self.domain()),
        }
    }

    /// For screens and logs: `a•••@mail.ru`.
    pub fn masked(&self) -> String {
        format!(
            "{}@{}",
            text::first_and_dots(self.local()),
            self.shown_domain()
        )
    }

    /// For the owner's own eyes: a Cyrillic domain in its letters.
    pub fn pretty(&self) -> String {
        format!("{}@{}", self.local(), self.shown_domain())
    }

    fn shown_domain(&self) -> String {
        idna::domain_to_unicode(self.domain()).0
    }
}

/// What is known of a provider's ways to write one mailbox.
struct Provider {
    /// The first is the one that keys are written with.
    domains: &'static [&'static str],
    /// Whether the same name at each of the domains is the same mailbox.
    one_mailbox: bool,
    /// Signs that do not count.
    ignored: &'static str,
    /// Whether a dot and a dash are the same sign.
    dot_is_dash: bool,
}

const PROVIDERS: &[Provider] = &[
    Provider {
        domains: &["gmail.com", "googlemail.com"],
        one_mailbox: true,
        ignored: ".",
        dot_is_dash: false,
    },
    Provider {
        domains: &[
            "yandex.ru",
            "ya.ru",
            "yandex.com",
            "yandex.by",
            "yandex.kz",
            "yandex.ua",
            "narod.ru",
        ],
        one_mailbox: true,
        ignored: "",
        dot_is_dash: true,
    },
    Provider {
        domains: &["mail.ru", "inbox.ru", "list.ru", "bk.ru", "internet.ru"],
        one_mailbox: false,
        ignored: "",
        dot_is_dash: false,
    },
    Provider {
        domains: &["outlook.com", "hotmail.com", "live.com"],
        one_mailbox: false,
        ignored: "",
        dot_is_dash: false,
    },
    Provider {
        domains: &["icloud.com", "me.com", "mac.com"],
        one_mailbox: true,
        ignored: "",
        dot_is_dash: false,
    },
    Provider {
        domains: &["proton.me", "protonmail.com", "pm.me"],
        one_mailbox: true,
        ignored: ".-_",
        dot_is_dash: false,
    },
];

/// A dot-atom of RFC 5322 §3.2.3 in small letters. Quoted parts are refused:
/// no provider gives them out and they carry spaces and `@`. Letters beyond
/// ASCII are refused too: mail to them often fails, and they imitate.
fn local_part(local: &str) -> Result<String, EmailError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~-.".contains(c);
    if local.is_empty() || !local.chars().all(fits) || local.split('.').any(str::is_empty) {
        return Err(EmailError::Local);
    }
    if local.len() > MAX_LOCAL_BYTES {
        return Err(EmailError::TooLong);
    }
    Ok(local.to_ascii_lowercase())
}

/// The ASCII form of a domain (UTS #46, non-transitional, STD 3 rules, labels
/// up to 63 bytes, no dot at the end).
fn domain_part(domain: &str) -> Result<String, EmailError> {
    let ascii = Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::Check,
            DnsLength::Verify,
        )
        .map_err(|_| EmailError::Domain)?;
    let (unicode, decoded) = idna::domain_to_unicode(&ascii);
    decoded.map_err(|_| EmailError::Domain)?;
    let top = unicode.rsplit('.').next().unwrap_or("");
    // `localhost` and IPv4 addresses are no domains that a person has mail at.
    if !unicode.contains('.') || top.bytes().all(|b| b.is_ascii_digit()) {
        return Err(EmailError::Domain);
    }
    let cyrillic_top = top.chars().any(is_cyrillic);
    for label in unicode.split('.') {
        let cyrillic = label.chars().any(is_cyrillic);
        let known = |c: char| {
            c.is_ascii_digit()
                || c == '-'
                || if cyrillic {
                    is_cyrillic(c)
                } else {
                    is_latin(c)
                }
        };
        let reads_as_latin = || cyrillic && !cyrillic_top && label.chars().all(imitates_latin);
        if !label.chars().all(known) || reads_as_latin() {
            return Err(EmailError::LookAlike);
        }
    }
    Ok(ascii.into_owned())
}

/// Small Cyrillic letters of the languages of this region; palochka (ӏ) is
/// left out, it is nothing but a Latin l to the eye.
fn is_cyrillic(c: char) -> bool {
    matches!(c, '\u{0430}'..='\u{045F}' | '\u{048A}'..='\u{04BF}' | '\u{04D0}'..='\u{04FF}')
}

/// Small Latin letters of European languages, less those that differ from a
/// plain one by a dot alone: ı, ĸ, ŀ, ŉ.
fn is_latin(c: char) -> bool {
    c.is_ascii_lowercase()
        || matches!(c, '\u{00DF}'..='\u{017E}' if !matches!(c, '÷' | 'ı' | 'ĸ' | 'ŀ' | 'ŉ'))
}

/// Cyrillic letters that look like Latin ones, and what both alphabets share.
/// The set is that of Chromium's IDN policy (whole-script confusables).
fn imitates_latin(c: char) -> bool {
    c.is_ascii_digit() || "-асԁеһіјӏорԗԛѕԝхуъьҽпгѵѡ".contains(c)
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Email({})", self.masked())
    }
}

impl TryFrom<String> for Email {
    type Error = EmailError;
    fn try_from(text: String) -> Result<Self, EmailError> {
        Self::parse(&text)
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.address
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_addresses() {
        for (typed, canonical) in [
            ("ivanova@mail.ru", "ivanova@mail.ru"),
            (" Ivanova@Mail.RU\n", "ivanova@mail.ru"),
            ("\u{feff}a.b+x@gmail.com", "a.b+x@gmail.com"),
            ("ivan@ｍａｉｌ．ｒｕ", "ivan@mail.ru"),
            ("ivan@почта.рф", "ivan@xn--80a1acny.xn--p1ai"),
            ("ivan@ПОЧТА.РФ", "ivan@xn--80a1acny.xn--p1ai"),
            ("ivan@xn--80a1acny.xn--p1ai", "ivan@xn--80a1acny.xn--p1ai"),
            ("ivan@сосед.рф", "ivan@xn--d1ab0alb.xn--p1ai"),
            ("ivan@яндекс.com", "ivan@xn--d1acpjx3f.com"),
            ("hans@müller.de", "hans@xn--mller-kva.de"),
            (
                "o'hara!#$%&*/=?^_`{|}~-@a-b.example",
                "o'hara!#$%&*/=?^_`{|}~-@a-b.example",
            ),
        ] {
            assert_eq!(
                Email::parse(typed).map(|e| e.address),
                Ok(canonical.to_owned()),
                "{typed}"
            );
        }
        assert!(Email::parse(&format!("{}@mail.ru", "a".repeat(64))).is_ok());
    }

    #[test]
    fn refusals_say_what_is_wrong() {
        for (typed, why) in [
            ("", EmailError::Empty),
            (" \u{200b}", EmailError::Empty),
            ("ivan", EmailError::At),
            ("ivan@@mail.ru", EmailError::At),
            ("a@b@mail.ru", EmailError::At),
            ("@mail.ru", EmailError::Local),
            (".ivan@mail.ru", EmailError::Local),
            ("ivan.@mail.ru", EmailError::Local),
            ("iv..an@mail.ru", EmailError::Local),
            ("iv an@mail.ru", EmailError::Local),
            ("\"iv an\"@mail.ru", EmailError::Local),
            ("иван@mail.ru", EmailError::Local),
            ("ivаn@mail.ru", EmailError::Local),
            ("ivan\0@mail.ru", EmailError::Local),
            ("iv\u{200b}an@mail.ru", EmailError::Local),
            ("Иван <ivan@mail.ru>", EmailError::Local),
            ("ivan@mail.ru\r\nBcc: x@y.ru", EmailError::At),
            ("ivan@mail.ru\r\nBcc: x", EmailError::Domain),
            ("ivan@", EmailError::Domain),
            ("ivan@localhost", EmailError::Domain),
            ("ivan@mail", EmailError::Domain),
            ("ivan@mail.ru.", EmailError::Domain),
            ("ivan@.ru", EmailError::Domain),
            ("ivan@mail..ru", EmailError::Domain),
            ("ivan@-mail.ru", EmailError::Domain),
            ("ivan@ma_il.ru", EmailError::Domain),
            ("ivan@127.0.0.1", EmailError::Domain),
            ("ivan@[127.0.0.1]", EmailError::Domain),
            ("ivan@xn--99999999.ru", EmailError::Domain),
        ] {
            assert_eq!(Email::parse(typed), Err(why), "{typed:?}");
        }
        assert_eq!(
            Email::parse(&format!("{}@mail.ru", "a".repeat(65))),
            Err(EmailError::TooLong)
        );
        assert_eq!(
            Email::parse(&format!("{}@mail.ru", "a".repeat(1_000_000))),
            Err(EmailError::TooLong)
        );
        let long = format!("{}@{}ru", "a".repeat(64), "abcdefgh.".repeat(22));
        assert_eq!(Email::parse(&long), Err(EmailError::TooLong));
    }

    /// A52: a homograph is refused, not stored as another person's twin.
    #[test]
    fn a52_homographs_are_refused() {
        for typed in [
            "ivan@mаil.ru",        // Cyrillic а in a Latin label
            "ivan@yаndex.ru",      // the same
            "ivan@уа.ru",          // all Cyrillic, reads «ya.ru»
            "ivan@рауре.com",      // all Cyrillic, reads «paype»
            "ivan@аррӏе.com",      // palochka for l
            "ivan@gmaıl.com",      // dotless i
            "ivan@ɡmail.com",      // script g
            "ivan@gmαil.com",      // Greek alpha
            "ivan@почtа.рф",       // Latin t in a Cyrillic label
            "ivan@mail.rυ",        // Greek upsilon in the top label
            "ivan@xn--mil-5cd.ru", // the first one in its ASCII dress
        ] {
            assert_eq!(Email::parse(typed), Err(EmailError::LookAlike), "{typed}");
        }
    }

    /// A52: known ways to write one mailbox, and mailboxes that are not one.
    #[test]
    fn a52_one_mailbox_has_one_key() {
        let key = |s: &str| Email::parse(s).unwrap().index_form();
        for (a, b) in [
            ("a.b+x@gmail.com", "ab@gmail.com"),
            ("A.B@GoogleMail.com", "ab@gmail.com"),
            ("ivan.petrov@yandex.ru", "ivan-petrov@ya.ru"),
            ("ivan+shop@yandex.com", "ivan@yandex.by"),
            ("ivan@narod.ru", "ivan@yandex.kz"),
            ("ivan+shop@mail.ru", "IVAN@mail.ru"),
            ("ivan+1@bk.ru", "ivan@bk.ru"),
            ("ivan+1@outlook.com", "ivan@outlook.com"),
            ("ivan@me.com", "ivan+a@icloud.com"),
            ("iv.an_petrov@pm.me", "ivanpetrov@proton.me"),
            ("i.v.a.n+a+b@gmail.com", "IVAN@gmail.com"),
            ("ivan@ｇｍａｉｌ．ｃｏｍ", "ivan@gmail.com"),
            ("ivan@ПОЧТА.рф", "ivan@xn--80a1acny.xn--p1ai"),
            ("\u{200b} ivan@example.com\u{a0}", "Ivan@EXAMPLE.com"),
            ("ivan-petrov+x@ya.ru", "ivan.petrov@narod.ru"),
            ("ivan+x@mac.com", "ivan@me.com"),
        ] {
            assert_eq!(key(a), key(b), "{a} {b}");
        }
        for (a, b) in [
            ("ivan.petrov@mail.ru", "ivanpetrov@mail.ru"),
            ("ivan@mail.ru", "ivan@bk.ru"),
            ("ivan@outlook.com", "ivan@hotmail.com"),
            ("ivan.petrov@yandex.ru", "ivanpetrov@yandex.ru"),
            ("a+b@example.com", "a@example.com"),
            ("+a@gmail.com", "+b@gmail.com"),
        ] {
            assert_ne!(key(a), key(b), "{a} {b}");
        }
    }

    #[test]
    fn shows_masked() {
        let email = Email::parse("anna@mail.ru").unwrap();
        assert_eq!(email.masked(), "a•••@mail.ru");
        assert_eq!(format!("{email:?}"), "Email(a•••@mail.ru)");
        assert_eq!(
            Email::parse("ab@почта.рф").unwrap().masked(),
            "•••@почта.рф"
        );
        assert_eq!(Email::parse("ab@почта.рф").unwrap().pretty(), "ab@почта.рф");
        assert_eq!((email.local(), email.domain()), ("anna", "mail.ru"));
    }

    proptest! {
        #[test]
        fn canonical_stays(local in "[a-zA-Z0-9.+_-]{1,12}", domain in prop::sample::select(vec![
            "gmail.com", "Yandex.RU", "ya.ru", "mail.ru", "pm.me", "почта.рф", "example.org",
        ])) {
            if let Ok(email) = Email::parse(&format!("{local}@{domain}")) {
                prop_assert_eq!(Email::parse(email.as_str()).unwrap(), email.clone());
                prop_assert_eq!(Email::parse(&email.pretty()).unwrap(), email.clone());
                let key = email.index_form();
                // The key of a key is itself, so that keys never chain.
                if let Ok(again) = Email::parse(&key) {
                    prop_assert_eq!(again.index_form(), key);
                }
            }
        }

        #[test]
        fn never_panics(typed: String, a in ".{0,5}", b in ".{0,8}") {
            let _ = Email::parse(&typed);
            if let Ok(email) = Email::parse(&format!("{a}@{b}.ru")) {
                prop_assert!(email.as_str().is_ascii());
            }
        }
    }
}
