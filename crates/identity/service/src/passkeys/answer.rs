//! What a browser sends back: the JSON form of `PublicKeyCredential` (WebAuthn Level 3, §5.1, `toJSON`).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use identity_core::passkeys::Fault;
use serde::Deserialize;

/// Longest answer, bytes: a key of RSA with an attestation is a tenth of it.
pub const ANSWER_MAX: usize = 16 * 1024;
/// Longest user handle (§5.4.3).
const HANDLE_MAX: usize = 64;

/// How an authenticator was reached, as far as we know such ways.
const TRANSPORTS: [&str; 6] = ["usb", "nfc", "ble", "smart-card", "hybrid", "internal"];

/// A key shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Assertion {
    pub(super) credential: Vec<u8>,
    pub(super) client_data: Vec<u8>,
    pub(super) data: Vec<u8>,
    pub(super) signature: Vec<u8>,
    pub(super) handle: Option<Vec<u8>>,
}

/// A new key.
#[derive(Clone, PartialEq, Eq)]
pub struct Attestation {
    pub(super) credential: Vec<u8>,
    pub(super) client_data: Vec<u8>,
    pub(super) object: Vec<u8>,
    pub(super) transports: Vec<String>,
    pub(super) is_discoverable: Option<bool>,
}

impl std::fmt::Debug for Assertion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Assertion(…)")
    }
}

impl std::fmt::Debug for Attestation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Attestation(…)")
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw<R> {
    id: String,
    #[serde(rename = "rawId")]
    same_id: String,
    #[serde(rename = "type")]
    kind: String,
    response: R,
    #[serde(default)]
    client_extension_results: Extensions,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Extensions {
    #[serde(default)]
    cred_props: Option<CredProps>,
}

#[derive(Deserialize)]
struct CredProps {
    #[serde(default)]
    rk: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawAssertion {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    authenticator_data: String,
    signature: String,
    #[serde(default)]
    user_handle: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawAttestation {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    attestation_object: String,
    #[serde(default)]
    transports: Vec<String>,
}

pub(super) fn bytes(text: &str) -> Result<Vec<u8>, Fault> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Fault::Unreadable)
}

pub(super) fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn read<'a, R: Deserialize<'a>>(json: &'a str) -> Result<(Vec<u8>, Raw<R>), Fault> {
    if json.len() > ANSWER_MAX {
        return Err(Fault::TooLong);
    }
    let raw: Raw<R> = serde_json::from_str(json).map_err(|_| Fault::Unreadable)?;
    if raw.kind != "public-key" {
        return Err(Fault::Kind);
    }
    if raw.id != raw.same_id {
        return Err(Fault::CredentialId);
    }
    Ok((bytes(&raw.id)?, raw))
}

impl Assertion {
    /// From the browser's JSON.
    pub fn read(json: &str) -> Result<Self, Fault> {
        let (credential, raw) = read::<RawAssertion>(json)?;
        let handle = raw.response.user_handle.as_deref();
        let handle = handle.map(bytes).transpose()?;
        if handle
            .as_ref()
            .is_some_and(|handle| handle.len() > HANDLE_MAX)
        {
            return Err(Fault::HandleOther);
        }
        Ok(Self {
            credential,
            client_data: bytes(&raw.response.client_data)?,
            data: bytes(&raw.response.authenticator_data)?,
            signature: bytes(&raw.response.signature)?,
            // Browsers of the first years sent an empty one for none.
            handle: handle.filter(|handle| !handle.is_empty()),
        })
    }
}

impl Attestation {
    /// From the browser's JSON.
    pub fn read(json: &str) -> Result<Self, Fault> {
        let (credential, raw) = read::<RawAttestation>(json)?;
        let transports = raw.response.transports;
        Ok(Self {
            credential,
            client_data: bytes(&raw.response.client_data)?,
            object: bytes(&raw.response.attestation_object)?,
            transports: TRANSPORTS
                .into_iter()
                .filter(|known| transports.iter().any(|said| said == known))
                .map(str::to_owned)
                .collect(),
            is_discoverable: raw.client_extension_results.cred_props.and_then(|p| p.rk),
        })
    }
}
