//! ID-5 with an authenticator that others wrote (the crate `passkey`): a browser's half and a device's.

use identity_core::assurance::Method;
use identity_service::{
    passkeys::{Added, Adding},
    step_up::Performed,
};
use passkey::{
    authenticator::{Authenticator, UiHint, UserCheck, UserValidationMethod},
    client::{Client, DefaultClientData},
    crypto::rust_crypto::RustCryptoBackend,
    types::{
        Passkey,
        ctap2::{Aaguid, Ctap2Error},
        webauthn::{CredentialCreationOptions, CredentialRequestOptions},
    },
};
use serde_json::{Value, json};
use testkit::{TestDb, authenticator::base64url};
use url::Url;

use crate::{
    house::{ANNA, House, browser, phone},
    passkey_tools::{ORIGIN, options},
};

/// The crate writes bytes as numbers, browsers as base64url.
fn as_browsers_do(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            let bytes = items
                .iter()
                .map(|n| n.as_u64().and_then(|n| n.try_into().ok()));
            match bytes.collect::<Option<Vec<u8>>>() {
                Some(bytes) if !bytes.is_empty() => json!(base64url(&bytes)),
                _ => Value::Array(items.into_iter().map(as_browsers_do).collect()),
            }
        }
        Value::Object(members) => members
            .into_iter()
            .map(|(name, member)| (name, as_browsers_do(member)))
            .collect(),
        other => other,
    }
}

struct Finger;

#[async_trait::async_trait]
impl UserValidationMethod for Finger {
    type PasskeyItem = Passkey;

    async fn check_user<'a>(
        &self,
        _: UiHint<'a, Passkey>,
        _: bool,
        _: bool,
    ) -> Result<UserCheck, Ctap2Error> {
        Ok(UserCheck {
            presence: true,
            verification: true,
        })
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        Some(true)
    }
}

testkit::both_engines! {
    /// ID-5: an independent authenticator makes a key and signs in with it.
    async fn an_independent_authenticator_is_let_in(db: TestDb) {
        let house = House::new(db);
        let welcome = house.enter(&phone(ANNA), browser(1)).await;
        let who = house.signed_in(&welcome).await;
        let store: Option<Passkey> = None;
        let device = Authenticator::new(Aaguid::new_empty(), store, Finger, RustCryptoBackend);
        let mut client = Client::new(device);
        let origin = Url::parse(ORIGIN).unwrap();
        let (id, asked) = house.asked_to_add(&who).await;
        let request: CredentialCreationOptions =
            serde_json::from_value(json!({ "publicKey": asked })).unwrap();
        let made = client.register(&origin, request, DefaultClientData).await.unwrap();
        let adding = house.finish_adding(&who, id, &as_browsers_do(json!(made)), None).await;
        assert!(matches!(adding, Adding::Performed(Performed::Done(Added::Done(_)))), "{adding:?}");
        for n in 2..4 {
            let begun = house.begin_sign_in(browser(n)).await;
            let request: CredentialRequestOptions =
                serde_json::from_value(json!({ "publicKey": options(&begun) })).unwrap();
            let shown = client.authenticate(&origin, request, DefaultClientData).await.unwrap();
            let welcome = house.sign_in_with(browser(n), begun.ceremony, &as_browsers_do(json!(shown))).await;
            let other = house.signed_in(&welcome.expect("in")).await;
            assert_eq!((other.account.id, other.method), (who.account.id, Method::Passkey));
        }
        house.settled().await;
    }
}
