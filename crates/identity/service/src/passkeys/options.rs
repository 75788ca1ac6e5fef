//! What a browser is asked: the JSON forms that `parseRequestOptionsFromJSON` and
//! `parseCreationOptionsFromJSON` read (WebAuthn Level 3, §5.1.8, §5.1.9).

use identity_core::passkeys::CEREMONY_LIFE;
use serde::Serialize;

use super::{Kept, Site, answer::text};

/// A key the browser may use or must not make again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Descriptor {
    /// Always `public-key`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The credential's id, base64url.
    pub id: String,
    /// How its authenticator was reached.
    pub transports: Vec<String>,
}

impl From<&Kept> for Descriptor {
    fn from(kept: &Kept) -> Self {
        Self {
            kind: "public-key",
            id: kept.id.clone(),
            transports: kept.transports.clone(),
        }
    }
}

/// To show a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestOptions {
    /// What to sign, base64url.
    pub challenge: String,
    /// Milliseconds.
    pub timeout: u64,
    /// The site.
    pub rp_id: String,
    /// Which keys; empty at sign-in, for everybody (A3).
    pub allow_credentials: Vec<Descriptor>,
    /// Always `required`.
    pub user_verification: &'static str,
}

/// To make one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreationOptions {
    /// The site.
    pub rp: Party,
    /// The owner, as the authenticator will list them.
    pub user: User,
    /// What to sign, base64url.
    pub challenge: String,
    /// Algorithms, best first.
    pub pub_key_cred_params: Vec<Algorithm>,
    /// Milliseconds.
    pub timeout: u64,
    /// Keys the account has.
    pub exclude_credentials: Vec<Descriptor>,
    /// What kind of key.
    pub authenticator_selection: Selection,
    /// Always `none`: who made the authenticator is not our business.
    pub attestation: &'static str,
    /// Asks whether the key can be found at sign-in.
    pub extensions: Extensions,
}

/// The site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Party {
    /// Its host.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// The owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// 64 random bytes, base64url (A61).
    pub id: String,
    /// The masked phone.
    pub name: String,
    /// The same.
    pub display_name: String,
}

/// An algorithm of COSE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Algorithm {
    /// Always `public-key`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its number.
    pub alg: i32,
}

/// What kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Selection {
    /// Always `required`: found without a name.
    pub resident_key: &'static str,
    /// The same for browsers of level 1.
    pub require_resident_key: bool,
    /// Always `required`.
    pub user_verification: &'static str,
}

/// Extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Extensions {
    /// Whether the key is discoverable.
    pub cred_props: bool,
}

fn timeout() -> u64 {
    u64::try_from(CEREMONY_LIFE.as_millis()).unwrap_or(u64::MAX)
}

/// ES256 and, for Windows Hello of older machines, RS256.
pub(super) const ALGORITHMS: [i32; 2] = [-7, -257];

pub(super) fn request(site: &Site, challenge: &[u8], allowed: &[Kept]) -> RequestOptions {
    RequestOptions {
        challenge: text(challenge),
        timeout: timeout(),
        rp_id: site.id.clone(),
        allow_credentials: allowed.iter().map(Descriptor::from).collect(),
        user_verification: "required",
    }
}

pub(super) fn creation(
    site: &Site,
    challenge: &[u8],
    handle: &[u8],
    name: &str,
    have: &[Kept],
) -> CreationOptions {
    CreationOptions {
        rp: Party {
            id: site.id.clone(),
            name: site.id.clone(),
        },
        user: User {
            id: text(handle),
            name: name.to_owned(),
            display_name: name.to_owned(),
        },
        challenge: text(challenge),
        pub_key_cred_params: ALGORITHMS
            .into_iter()
            .map(|alg| Algorithm {
                kind: "public-key",
                alg,
            })
            .collect(),
        timeout: timeout(),
        exclude_credentials: have.iter().map(Descriptor::from).collect(),
        authenticator_selection: Selection {
            resident_key: "required",
            require_resident_key: true,
            user_verification: "required",
        },
        attestation: "none",
        extensions: Extensions { cred_props: true },
    }
}
