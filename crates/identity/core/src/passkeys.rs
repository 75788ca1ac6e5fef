//! What an authenticator must have said before its signature is worth looking at, and when a passkey looks
//! cloned (ID-5, A60, A63). WebAuthn Level 3, §7.1 and §7.2; the numbers of the steps are the standard's.
//!
//! The signature and the key are the business of `webauthn-rs-core`. It leaves things open that we do not:
//! `crossOrigin` and `topOrigin` of a sign-in, keys written twice, bytes after the end. Those are decided here.

mod names;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use names::model;

/// How long a challenge waits for its answer.
pub const CEREMONY_LIFE: Duration = Duration::from_secs(5 * 60);
/// Passkeys of one account, most.
pub const KEYS_MOST: usize = 20;
/// Longest name of a passkey, characters.
pub const NAME_MAX: usize = 60;
/// Longest credential id, bytes (§6.5.1).
pub const CREDENTIAL_MAX: usize = 1023;
/// Shortest credential id we take, bytes: the standard asks for 16 random ones.
pub const CREDENTIAL_MIN: usize = 16;

macro_rules! faults {
    ($($(#[$doc:meta])* $fault:ident = $name:literal,)*) => {
        /// Why the answer of an authenticator is not taken. For the log and the tests; the person is told one
        /// thing for all of them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Fault { $($(#[$doc])* $fault,)* }

        impl Fault {
            /// Every fault.
            pub const ALL: &'static [Self] = &[$(Self::$fault,)*];

            /// The stable name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$fault => $name,)* }
            }
        }
    };
}

faults! {
    /// Not JSON or CBOR of the right form.
    Unreadable = "unreadable",
    /// Longer than anything an authenticator says.
    TooLong = "too_long",
    /// Not a public key.
    Kind = "kind",
    /// The credential id stands there twice and is not the same.
    CredentialId = "credential_id",
    /// Made for the other ceremony.
    Type = "type",
    /// Another challenge.
    Challenge = "challenge",
    /// Another origin.
    Origin = "origin",
    /// Made inside a frame of another site.
    CrossOrigin = "cross_origin",
    /// The page around the frame is named.
    TopOrigin = "top_origin",
    /// For another site.
    RelyingParty = "relying_party",
    /// Nobody was there.
    NotPresent = "not_present",
    /// Nobody was recognised.
    NotVerified = "not_verified",
    /// Backed up and not able to be.
    Backup = "backup",
    /// Whether it can be backed up has changed.
    BackupChanged = "backup_changed",
    /// Ends too early.
    Truncated = "truncated",
    /// Something stands after the end.
    Trailing = "trailing",
    /// Holds a new key where none was asked for, or none where one was.
    Attested = "attested",
    /// An algorithm that was not offered.
    Algorithm = "algorithm",
    /// Not a key.
    Key = "key",
    /// An attestation that does not hold, or of a kind that was not asked for.
    Attestation = "attestation",
    /// The key does not stay on the device, so it could not be found at sign-in.
    NotDiscoverable = "not_discoverable",
    /// The key was there before.
    Excluded = "excluded",
    /// The signature does not fit.
    Signature = "signature",
    /// Nobody has this credential.
    Unknown = "unknown",
    /// Not one of the credentials asked for.
    NotAllowed = "not_allowed",
    /// No user handle.
    HandleMissing = "handle_missing",
    /// The user handle of somebody else.
    HandleOther = "handle_other",
    /// The counter went back: there may be two of this key (A63).
    Counter = "counter",
    /// The key was suspected before.
    Suspected = "suspected",
    /// The challenge was used, has run out, or belongs to another browser or purpose (A59).
    Ceremony = "ceremony",
}

/// Which ceremony the client says it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ceremony {
    /// A new key.
    Create,
    /// A key shown.
    Get,
}

impl Ceremony {
    const fn name(self) -> &'static str {
        match self {
            Self::Create => "webauthn.create",
            Self::Get => "webauthn.get",
        }
    }
}

/// What the browser says it was asked. Unknown members are allowed (§5.8.1.1); a known one twice is not JSON.
#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: Option<bool>,
    #[serde(rename = "topOrigin", default)]
    top_origin: Option<serde_json::Value>,
}

/// Longest client data, bytes.
const CLIENT_DATA_MAX: usize = 4_096;

/// Judges what the browser signed as asked (steps 7 to 11 of §7.1, 10 to 14 of §7.2). `challenge` is the text
/// that was sent, `origin` ours, as the configuration has it.
pub fn client_data(
    json: &[u8],
    ceremony: Ceremony,
    challenge: &str,
    origin: &str,
) -> Result<(), Fault> {
    if json.len() > CLIENT_DATA_MAX {
        return Err(Fault::TooLong);
    }
    let data: ClientData = serde_json::from_slice(json).map_err(|_| Fault::Unreadable)?;
    if data.kind != ceremony.name() {
        return Err(Fault::Type);
    }
    if data.challenge != challenge {
        return Err(Fault::Challenge);
    }
    if data.origin != origin {
        return Err(Fault::Origin);
    }
    if data.cross_origin == Some(true) {
        return Err(Fault::CrossOrigin);
    }
    if data.top_origin.is_some() {
        return Err(Fault::TopOrigin);
    }
    Ok(())
}

/// The beginning of authenticator data (§6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    flags: u8,
    /// The counter of signatures; zero when the authenticator has none.
    pub counter: u32,
    /// What follows: the new key, extensions.
    pub rest: &'a [u8],
}

impl<'a> Header<'a> {
    const PRESENT: u8 = 1;
    const VERIFIED: u8 = 1 << 2;
    const ELIGIBLE: u8 = 1 << 3;
    const BACKED_UP: u8 = 1 << 4;
    const ATTESTED: u8 = 1 << 6;
    const EXTENSIONS: u8 = 1 << 7;

    /// Reads and judges the beginning (steps 14 to 18 of §7.1, 15 to 19 of §7.2).
    pub fn read(data: &'a [u8], relying_party: &[u8; 32]) -> Result<Self, Fault> {
        let (hash, data) = data.split_first_chunk::<32>().ok_or(Fault::Truncated)?;
        let (flags, data) = data.split_first().ok_or(Fault::Truncated)?;
        let (counter, rest) = data.split_first_chunk::<4>().ok_or(Fault::Truncated)?;
        if hash != relying_party {
            return Err(Fault::RelyingParty);
        }
        let header = Self {
            flags: *flags,
            counter: u32::from_be_bytes(*counter),
            rest,
        };
        if !header.has(Self::PRESENT) {
            return Err(Fault::NotPresent);
        }
        if !header.has(Self::VERIFIED) {
            return Err(Fault::NotVerified);
        }
        if header.is_backed_up() && !header.is_eligible() {
            return Err(Fault::Backup);
        }
        Ok(header)
    }

    const fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// May be copied to other devices.
    pub const fn is_eligible(self) -> bool {
        self.has(Self::ELIGIBLE)
    }

    /// Is copied to other devices.
    pub const fn is_backed_up(self) -> bool {
        self.has(Self::BACKED_UP)
    }

    /// Brings a new key.
    pub const fn is_attested(self) -> bool {
        self.has(Self::ATTESTED)
    }

    /// Brings extensions.
    pub const fn has_extensions(self) -> bool {
        self.has(Self::EXTENSIONS)
    }
}

/// The authenticator's model and the new credential's id, at the beginning of what follows the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attested<'a> {
    /// The model of the authenticator.
    pub aaguid: [u8; 16],
    /// The credential's id.
    pub credential: &'a [u8],
    /// The key and what follows it.
    pub rest: &'a [u8],
}

impl<'a> Attested<'a> {
    /// Reads it (§6.5.1).
    pub fn read(data: &'a [u8]) -> Result<Self, Fault> {
        let (aaguid, data) = data.split_first_chunk::<16>().ok_or(Fault::Truncated)?;
        let (length, data) = data.split_first_chunk::<2>().ok_or(Fault::Truncated)?;
        let length = usize::from(u16::from_be_bytes(*length));
        if !(CREDENTIAL_MIN..=CREDENTIAL_MAX).contains(&length) {
            return Err(Fault::CredentialId);
        }
        let (credential, rest) = data.split_at_checked(length).ok_or(Fault::Truncated)?;
        Ok(Self {
            aaguid: *aaguid,
            credential,
            rest,
        })
    }
}

/// Whether the counter tells of a second copy (A63, step 22 of §7.2): it did not grow although one of the two
/// is counted.
pub const fn went_back(kept: u32, shown: u32) -> bool {
    (kept > 0 || shown > 0) && shown <= kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ORIGIN: &str = "https://kabinet.example";

    fn judge(json: &str) -> Result<(), Fault> {
        client_data(json.as_bytes(), Ceremony::Get, "Y2hhbGxlbmdl", ORIGIN)
    }

    /// A60: what the browser must have signed, each way to miss it by its name.
    #[test]
    fn client_data_is_judged() {
        let good = r#"{"type":"webauthn.get","challenge":"Y2hhbGxlbmdl","origin":"https://kabinet.example","crossOrigin":false}"#;
        assert_eq!(judge(good), Ok(()));
        // Unknown members and another order are allowed by the standard.
        assert_eq!(
            judge(
                r#"{"origin":"https://kabinet.example","x":{"y":1},"challenge":"Y2hhbGxlbmdl","type":"webauthn.get"}"#
            ),
            Ok(())
        );
        let cases = [
            ("webauthn.get", "webauthn.create", Fault::Type),
            ("Y2hhbGxlbmdl", "Y2hhbGxlbmdm", Fault::Challenge),
            ("Y2hhbGxlbmdl", "Y2hhbGxlbmdl=", Fault::Challenge),
            (
                "https://kabinet.example",
                "http://kabinet.example",
                Fault::Origin,
            ),
            (
                "https://kabinet.example",
                "https://kabinet.example:8443",
                Fault::Origin,
            ),
            (
                "https://kabinet.example",
                "https://kabinet.example.evil",
                Fault::Origin,
            ),
            (
                "https://kabinet.example",
                "https://www.kabinet.example",
                Fault::Origin,
            ),
            (
                "https://kabinet.example",
                "https://kabinet.example/",
                Fault::Origin,
            ),
            (
                "\"crossOrigin\":false",
                "\"crossOrigin\":true",
                Fault::CrossOrigin,
            ),
            (
                "\"crossOrigin\":false",
                "\"crossOrigin\":1",
                Fault::Unreadable,
            ),
            (
                "\"crossOrigin\":false",
                "\"topOrigin\":\"https://evil.example\"",
                Fault::TopOrigin,
            ),
            (
                "{\"type\"",
                "{\"type\":\"webauthn.get\",\"type\"",
                Fault::Unreadable,
            ),
            (
                "\"crossOrigin\":false",
                "\"origin\":\"https://kabinet.example\"",
                Fault::Unreadable,
            ),
            (
                "\"crossOrigin\":false}",
                "\"crossOrigin\":false}}",
                Fault::Unreadable,
            ),
            (
                "\"crossOrigin\":false}",
                "\"crossOrigin\":false",
                Fault::Unreadable,
            ),
            ("{\"type\"", "\u{feff}{\"type\"", Fault::Unreadable),
        ];
        for (from, to, fault) in cases {
            assert_eq!(
                judge(&good.replacen(from, to, 1)),
                Err(fault),
                "{from} → {to}"
            );
        }
        let long = good.replacen('{', &format!("{{\"x\":\"{}\",", "x".repeat(5_000)), 1);
        assert_eq!(judge(&long), Err(Fault::TooLong));
        // A sign-in is no registration.
        assert_eq!(
            client_data(good.as_bytes(), Ceremony::Create, "Y2hhbGxlbmdl", ORIGIN),
            Err(Fault::Type)
        );
    }

    fn data(flags: u8, counter: u32) -> Vec<u8> {
        let mut data = vec![7; 32];
        data.push(flags);
        data.extend(counter.to_be_bytes());
        data
    }

    /// A60: present, verified, and no copy of what cannot be copied.
    #[test]
    fn flags_are_judged() {
        let read = |flags| Header::read(&data(flags, 5), &[7; 32]).map(|h| h.counter);
        assert_eq!(read(0b0000_0101), Ok(5));
        assert_eq!(read(0b0001_1101), Ok(5));
        assert_eq!(read(0b0000_1101), Ok(5));
        assert_eq!(read(0b0001_0101), Err(Fault::Backup));
        assert_eq!(read(0b0000_0100), Err(Fault::NotPresent));
        assert_eq!(read(0b0000_0001), Err(Fault::NotVerified));
        assert_eq!(
            Header::read(&data(5, 0), &[8; 32]),
            Err(Fault::RelyingParty)
        );
    }

    /// A63: counters that stay or go back tell of a copy; authenticators without one do not.
    #[test]
    fn counters_only_grow() {
        for (kept, shown, back) in [
            (0, 0, false),
            (0, 1, false),
            (1, 2, false),
            (2, 2, true),
            (2, 1, true),
            (2, 0, true),
            (u32::MAX, 0, true),
        ] {
            assert_eq!(went_back(kept, shown), back, "{kept} → {shown}");
        }
    }

    proptest! {
        /// Any bytes are read or refused, and what is read is a part of them.
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300), whose in any::<bool>()) {
            let party = bytes.first_chunk::<32>().copied().filter(|_| whose).unwrap_or([0; 32]);
            if let Ok(header) = Header::read(&bytes, &party) {
                prop_assert_eq!(header.rest.len(), bytes.len() - 37);
                if let Ok(attested) = Attested::read(header.rest) {
                    prop_assert!(attested.credential.len() >= CREDENTIAL_MIN);
                    prop_assert!(attested.rest.len() + attested.credential.len() + 18 == header.rest.len());
                }
            }
            let _ = client_data(&bytes, Ceremony::Create, "x", ORIGIN);
        }

        /// No prefix of a header is a header.
        #[test]
        fn a_header_is_whole(length in 0_usize..37) {
            let whole = data(5, 1);
            prop_assert_eq!(Header::read(&whole[..length], &[7; 32]), Err(Fault::Truncated));
        }
    }

    /// Faults have names of their own.
    #[test]
    fn faults_have_names() {
        let mut names: Vec<_> = Fault::ALL.iter().map(|fault| fault.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Fault::ALL.len());
    }
}
