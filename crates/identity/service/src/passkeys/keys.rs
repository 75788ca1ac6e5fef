//! Keys and signatures. Ours: everything [`identity_core::passkeys`] decides, the form of what is in CBOR to its
//! last byte, and the counter, which is judged where its row is locked. The library's: the key, the
//! attestation, the signature.

use std::time::Duration;

use identity_core::passkeys::{Attested, Ceremony, Fault, Header, client_data};
use serde::{Deserialize, de::DeserializeOwned};
use serde_cbor_2::Value;
use webauthn_rs_core::{
    WebauthnCore,
    error::WebauthnError,
    proto::{
        AttestationFormat, AttestationMetadata, AuthenticationState,
        AuthenticatorAssertionResponseRaw, AuthenticatorAttestationResponseRaw, COSEKey,
        Credential, ParsedAttestation, ParsedAttestationData, PublicKeyCredential,
        RegisterPublicKeyCredential, RegisteredExtensions, RegistrationState,
        UserVerificationPolicy,
    },
};

use super::{
    Kept, Site,
    answer::{self, Assertion, Attestation, bytes},
};

/// What an assertion told, beside that it is genuine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Genuine {
    pub(super) counter: u32,
    pub(super) is_backed_up: bool,
}

fn library(site: &Site) -> WebauthnCore {
    // The timeout stands only in options, and those are ours.
    let origins = vec![site.url.clone()];
    WebauthnCore::new_unsafe_experts_only(&site.id, &site.id, origins, Duration::ZERO, None, None)
}

/// A state as the library keeps it. It draws challenges from a chance of its own; ours are drawn where all
/// chance comes from, so its state is made here and not by it.
fn state<S: DeserializeOwned>(json: serde_json::Value) -> Result<S, Fault> {
    // A test signs in and registers, so a state of another form would not go unseen.
    serde_json::from_value(json).map_err(|_| Fault::Unreadable)
}

/// Judges what can be judged before it is known whose key it is: so an unknown credential is told from a
/// broken answer.
pub(super) fn before_key(
    site: &Site,
    challenge: &str,
    shown: &Assertion,
) -> Result<Genuine, Fault> {
    client_data(&shown.client_data, Ceremony::Get, challenge, &site.origin)?;
    let header = Header::read(&shown.data, &site.hash)?;
    if header.is_attested() {
        return Err(Fault::Attested);
    }
    let rest = if header.has_extensions() {
        after_map(header.rest)?
    } else {
        header.rest
    };
    if !rest.is_empty() {
        return Err(Fault::Trailing);
    }
    Ok(Genuine {
        counter: header.counter,
        is_backed_up: header.is_backed_up(),
    })
}

/// Judges the signature.
pub(super) fn signature(
    site: &Site,
    challenge: &str,
    shown: &Assertion,
    kept: &Kept,
) -> Result<(), Fault> {
    let state: AuthenticationState = state(serde_json::json!({
        "credentials": [],
        "policy": "required",
        "challenge": challenge,
        "appid": null,
        "allow_backup_eligible_upgrade": false,
    }))?;
    let answer = PublicKeyCredential {
        id: answer::text(&shown.credential),
        raw_id: shown.credential.clone(),
        response: AuthenticatorAssertionResponseRaw {
            authenticator_data: shown.data.clone(),
            client_data_json: shown.client_data.clone(),
            signature: shown.signature.clone(),
            user_handle: shown.handle.clone(),
        },
        extensions: webauthn_rs_core::proto::AuthenticationExtensionsClientOutputs::default(),
        type_: "public-key".to_owned(),
    };
    library(site)
        .authenticate_single_credential(&answer, &state, &credential(kept)?)
        .map_err(|error| fault(&error))?;
    Ok(())
}

fn credential(kept: &Kept) -> Result<Credential, Fault> {
    Ok(Credential {
        cred_id: bytes(&kept.id)?,
        cred: kept.key.clone(),
        // The kept counter is judged against the locked row, not here.
        counter: 0,
        transports: None,
        user_verified: true,
        backup_eligible: kept.is_eligible,
        backup_state: kept.is_backed_up,
        registration_policy: UserVerificationPolicy::Required,
        extensions: RegisteredExtensions::none(),
        attestation: ParsedAttestation {
            data: ParsedAttestationData::None,
            metadata: AttestationMetadata::None,
        },
        attestation_format: AttestationFormat::None,
    })
}

/// A new key that was found good.
pub(super) struct New {
    pub(super) key: COSEKey,
    pub(super) counter: u32,
    pub(super) is_eligible: bool,
    pub(super) is_backed_up: bool,
    pub(super) aaguid: [u8; 16],
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a> {
    fmt: &'a str,
    att_stmt: Value,
    #[serde(borrow)]
    auth_data: &'a [u8],
}

/// Judges a new key.
pub(super) fn new_key(site: &Site, challenge: &str, made: &Attestation) -> Result<New, Fault> {
    client_data(&made.client_data, Ceremony::Create, challenge, &site.origin)?;
    let object: Object<'_> =
        serde_cbor_2::from_slice(&made.object).map_err(|_| Fault::Unreadable)?;
    let header = Header::read(object.auth_data, &site.hash)?;
    if !header.is_attested() {
        return Err(Fault::Attested);
    }
    let attested = Attested::read(header.rest)?;
    if attested.credential != made.credential {
        return Err(Fault::CredentialId);
    }
    let rest = after_map(attested.rest)?;
    let rest = if header.has_extensions() {
        after_map(rest)?
    } else {
        rest
    };
    if !rest.is_empty() {
        return Err(Fault::Trailing);
    }
    // We ask for no attestation: a browser then sends none, or one made with the new key itself.
    let is_plain = match object.fmt {
        "none" => matches!(&object.att_stmt, Value::Map(map) if map.is_empty()),
        "packed" => true,
        _ => false,
    };
    if !is_plain {
        return Err(Fault::Attestation);
    }
    if made.is_discoverable == Some(false) {
        return Err(Fault::NotDiscoverable);
    }
    let state: RegistrationState = state(serde_json::json!({
        "policy": "required",
        "exclude_credentials": [],
        "challenge": challenge,
        "credential_algorithms": ["ES256", "RS256"],
        "require_resident_key": true,
        "authenticator_attachment": null,
        "extensions": {},
        "allow_synchronised_authenticators": true,
    }))?;
    let answer = RegisterPublicKeyCredential {
        id: answer::text(&made.credential),
        raw_id: made.credential.clone(),
        response: AuthenticatorAttestationResponseRaw {
            attestation_object: made.object.clone(),
            client_data_json: made.client_data.clone(),
            transports: None,
        },
        type_: "public-key".to_owned(),
        extensions: webauthn_rs_core::proto::RegistrationExtensionsClientOutputs::default(),
    };
    let credential = library(site)
        .register_credential(&answer, &state, None)
        .map_err(|error| fault(&error))?;
    Ok(New {
        key: credential.cred,
        counter: header.counter,
        is_eligible: header.is_eligible(),
        is_backed_up: header.is_backed_up(),
        aaguid: attested.aaguid,
    })
}

/// What follows one map of CBOR.
fn after_map(bytes: &[u8]) -> Result<&[u8], Fault> {
    let mut reader = serde_cbor_2::Deserializer::from_slice(bytes);
    let value = Value::deserialize(&mut reader).map_err(|_| Fault::Truncated)?;
    if !matches!(value, Value::Map(_)) {
        return Err(Fault::Unreadable);
    }
    bytes.get(reader.byte_offset()..).ok_or(Fault::Truncated)
}

/// The library's reasons by our names.
fn fault(error: &WebauthnError) -> Fault {
    match error {
        WebauthnError::InvalidClientDataType => Fault::Type,
        WebauthnError::MismatchedChallenge => Fault::Challenge,
        WebauthnError::InvalidRPOrigin => Fault::Origin,
        WebauthnError::CredentialCrossOrigin => Fault::CrossOrigin,
        WebauthnError::InvalidRPIDHash => Fault::RelyingParty,
        WebauthnError::UserNotPresent => Fault::NotPresent,
        WebauthnError::UserNotVerified => Fault::NotVerified,
        WebauthnError::CredentialBackupEligibilityInconsistent => Fault::BackupChanged,
        WebauthnError::CredentialMayNotBeHardwareBound => Fault::Backup,
        WebauthnError::CredentialAlteredAlgFromRequest => Fault::Algorithm,
        WebauthnError::MissingAttestationCredentialData => Fault::Attested,
        WebauthnError::AuthenticationFailure | WebauthnError::SignatureInvalid => Fault::Signature,
        WebauthnError::ParseJSONFailure(_)
        | WebauthnError::ParseCBORFailure(_)
        | WebauthnError::ParseNOMFailure => Fault::Unreadable,
        other => by_name(other),
    }
}

/// Families of reasons: what is not of the attestation is of the key.
fn by_name(error: &WebauthnError) -> Fault {
    if format!("{error:?}").starts_with("Attestation") {
        Fault::Attestation
    } else {
        Fault::Key
    }
}
