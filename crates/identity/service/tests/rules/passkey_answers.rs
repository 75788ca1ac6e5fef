//! A60: answers that were changed anywhere are refused, each for its own reason, and open nothing.

use std::collections::BTreeSet;

use identity_core::passkeys::Fault;
use identity_service::{
    passkeys::{Adding, Refusal},
    step_up::Performed,
};
use serde_json::{Value, json};
use testkit::{
    TestDb,
    authenticator::{Authenticator, Draft, base64url, from_base64url},
};

use crate::{
    house::{ANNA, House, browser, phone},
    passkey_tools::{device, options},
    tools::raw,
};

const FLAGS_AT: usize = 32;

/// How an answer is changed: what is signed is changed before, what is sent after.
enum Change {
    /// Genuinely signed by the key, over something else.
    Signed(fn(Draft) -> Draft),
    /// Changed on its way.
    Sent(fn(Value) -> Value),
}
use Change::{Sent, Signed};

fn field(mut answer: Value, name: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Value {
    let bytes = from_base64url(answer["response"][name].as_str().unwrap());
    answer["response"][name] = json!(base64url(&change(bytes)));
    answer
}

fn flip(mut bytes: Vec<u8>, at: usize) -> Vec<u8> {
    bytes[at] ^= 1;
    bytes
}

/// DER without its frame: r and s side by side.
fn raw_signature(der: &[u8]) -> Vec<u8> {
    let part = |at: usize| {
        let length = usize::from(der[at + 1]);
        let bytes = &der[at + 2..at + 2 + length];
        let bytes = bytes.strip_prefix(&[0]).unwrap_or(bytes);
        (
            [vec![0; 32 - bytes.len()], bytes.to_vec()].concat(),
            at + 2 + length,
        )
    };
    let (r, next) = part(2);
    [r, part(next).0].concat()
}

/// What a sign-in answer may have wrong.
const SHOWN: &[(&str, Change, Fault)] = &[
    (
        "another origin",
        Signed(|d| d.with("kabinet.example", "kabinet.evil")),
        Fault::Origin,
    ),
    (
        "without TLS",
        Signed(|d| d.with("https://", "http://")),
        Fault::Origin,
    ),
    (
        "another port",
        Signed(|d| d.with("kabinet.example", "kabinet.example:444")),
        Fault::Origin,
    ),
    (
        "a subdomain",
        Signed(|d| d.with("//kabinet", "//www.kabinet")),
        Fault::Origin,
    ),
    (
        "a path",
        Signed(|d| d.with("kabinet.example", "kabinet.example/")),
        Fault::Origin,
    ),
    (
        "a registration's type",
        Signed(|d| d.with("webauthn.get", "webauthn.create")),
        Fault::Type,
    ),
    (
        "another challenge",
        Signed(|d| d.with("\"challenge\":\"", "\"challenge\":\"A")),
        Fault::Challenge,
    ),
    (
        "inside a frame",
        Signed(|d| d.with("\"crossOrigin\":false", "\"crossOrigin\":true")),
        Fault::CrossOrigin,
    ),
    (
        "the page around named",
        Signed(|d| {
            d.with(
                "\"crossOrigin\":false",
                "\"topOrigin\":\"https://a.example\"",
            )
        }),
        Fault::TopOrigin,
    ),
    (
        "a member twice",
        Signed(|d| d.with("\"crossOrigin\":false", "\"type\":\"webauthn.get\"")),
        Fault::Unreadable,
    ),
    (
        "two objects",
        Signed(|d| d.with("false}", "false}{}")),
        Fault::Unreadable,
    ),
    (
        "no JSON",
        Signed(|d| d.with("{\"type\"", "[\"type\"")),
        Fault::Unreadable,
    ),
    (
        "another site's hash",
        Signed(|d| d.data(|x| x[0] ^= 1)),
        Fault::RelyingParty,
    ),
    (
        "nobody there",
        Signed(|d| d.data(|x| x[FLAGS_AT] &= !1)),
        Fault::NotPresent,
    ),
    (
        "nobody recognised",
        Signed(|d| d.data(|x| x[FLAGS_AT] &= !4)),
        Fault::NotVerified,
    ),
    (
        "backed up, not able to be",
        Signed(|d| d.data(|x| x[FLAGS_AT] |= 16)),
        Fault::Backup,
    ),
    (
        "suddenly able to be backed up",
        Signed(|d| d.data(|x| x[FLAGS_AT] |= 8)),
        Fault::BackupChanged,
    ),
    (
        "a new key where none was asked for",
        Signed(|d| d.data(|x| x[FLAGS_AT] |= 64)),
        Fault::Attested,
    ),
    (
        "extensions that are not there",
        Signed(|d| d.data(|x| x[FLAGS_AT] |= 128)),
        Fault::Truncated,
    ),
    (
        "extensions that are no map",
        Signed(|d| {
            d.data(|x| {
                x[FLAGS_AT] |= 128;
                x.push(1);
            })
        }),
        Fault::Unreadable,
    ),
    (
        "cut short",
        Signed(|d| d.data(|x| x.truncate(36))),
        Fault::Truncated,
    ),
    (
        "a byte after the end",
        Signed(|d| d.data(|x| x.push(0))),
        Fault::Trailing,
    ),
    (
        "no user handle",
        Signed(|d| Draft { handle: None, ..d }),
        Fault::HandleMissing,
    ),
    (
        "an empty user handle",
        Signed(|d| Draft {
            handle: Some(Vec::new()),
            ..d
        }),
        Fault::HandleMissing,
    ),
    (
        "another user handle",
        Signed(|d| Draft {
            handle: Some(vec![7; 64]),
            ..d
        }),
        Fault::HandleOther,
    ),
    (
        "a user handle too long",
        Signed(|d| Draft {
            handle: Some(vec![7; 65]),
            ..d
        }),
        Fault::HandleOther,
    ),
    (
        "a credential nobody has",
        Signed(|d| Draft {
            credential: vec![7; 32],
            ..d
        }),
        Fault::Unknown,
    ),
    (
        "order changed after signing",
        Sent(|a| {
            field(a, "clientDataJSON", |json| {
                let mut data: Value = serde_json::from_slice(&json).unwrap();
                let kind = data["type"].take();
                data.as_object_mut().unwrap().remove("type");
                let rest = data.to_string();
                format!("{},\"type\":{kind}}}", &rest[..rest.len() - 1]).into_bytes()
            })
        }),
        Fault::Signature,
    ),
    (
        "a space added after signing",
        Sent(|a| field(a, "clientDataJSON", |json| [json, b" ".to_vec()].concat())),
        Fault::Signature,
    ),
    (
        "the counter changed after signing",
        Sent(|a| field(a, "authenticatorData", |data| flip(data, 36))),
        Fault::Signature,
    ),
    (
        "the first number of the signature",
        Sent(|a| field(a, "signature", |der| flip(der, 10))),
        Fault::Signature,
    ),
    (
        "the second number of the signature",
        Sent(|a| {
            field(a, "signature", |der| {
                let at = der.len() - 3;
                flip(der, at)
            })
        }),
        Fault::Signature,
    ),
    (
        "a signature of zeros",
        Sent(|a| field(a, "signature", |_| vec![0x30, 6, 2, 1, 0, 2, 1, 0])),
        Fault::Signature,
    ),
    (
        "a signature without its frame",
        Sent(|a| field(a, "signature", |der| raw_signature(&der))),
        Fault::Signature,
    ),
    (
        "a signature with something after it",
        Sent(|a| field(a, "signature", |der| [der, vec![0]].concat())),
        Fault::Signature,
    ),
    (
        "no signature",
        Sent(|a| field(a, "signature", |_| Vec::new())),
        Fault::Signature,
    ),
    (
        "ids that differ",
        Sent(|mut a| {
            a["id"] = json!(base64url(&[8; 32]));
            a
        }),
        Fault::CredentialId,
    ),
    (
        "no public key",
        Sent(|mut a| {
            a["type"] = json!("password");
            a
        }),
        Fault::Kind,
    ),
    (
        "padded base64",
        Sent(|mut a| {
            let id = format!("{}=", a["id"].as_str().unwrap());
            a["id"] = json!(id);
            a["rawId"] = a["id"].clone();
            a
        }),
        Fault::Unreadable,
    ),
    (
        "no response",
        Sent(|mut a| {
            a["response"] = json!(null);
            a
        }),
        Fault::Unreadable,
    ),
    (
        "too long",
        Sent(|mut a| {
            a["x"] = json!("x".repeat(17_000));
            a
        }),
        Fault::TooLong,
    ),
];

/// What a new key may have wrong.
const MADE: &[(&str, Change, Fault)] = &[
    (
        "another origin",
        Signed(|d| d.with("kabinet.example", "kabinet.evil")),
        Fault::Origin,
    ),
    (
        "another port",
        Signed(|d| d.with("kabinet.example", "kabinet.example:444")),
        Fault::Origin,
    ),
    (
        "a sign-in's type",
        Signed(|d| d.with("webauthn.create", "webauthn.get")),
        Fault::Type,
    ),
    (
        "another challenge",
        Signed(|d| d.with("\"challenge\":\"", "\"challenge\":\"A")),
        Fault::Challenge,
    ),
    (
        "inside a frame",
        Signed(|d| d.with("\"crossOrigin\":false", "\"crossOrigin\":true")),
        Fault::CrossOrigin,
    ),
    (
        "the page around named",
        Signed(|d| {
            d.with(
                "\"crossOrigin\":false",
                "\"topOrigin\":null,\"topOrigin\":\"x\"",
            )
        }),
        Fault::Unreadable,
    ),
    (
        "another site's hash",
        Signed(|d| d.data(|x| x[5] ^= 1)),
        Fault::RelyingParty,
    ),
    (
        "nobody there",
        Signed(|d| d.data(|x| x[FLAGS_AT] &= !1)),
        Fault::NotPresent,
    ),
    (
        "nobody recognised",
        Signed(|d| d.data(|x| x[FLAGS_AT] &= !4)),
        Fault::NotVerified,
    ),
    (
        "backed up, not able to be",
        Signed(|d| d.data(|x| x[FLAGS_AT] |= 16)),
        Fault::Backup,
    ),
    (
        "no key",
        Signed(|d| d.data(|x| x[FLAGS_AT] &= !64)),
        Fault::Attested,
    ),
    (
        "cut within the key",
        Signed(|d| d.data(|x| x.truncate(120))),
        Fault::Truncated,
    ),
    (
        "a byte after the end",
        Signed(|d| d.data(|x| x.push(0))),
        Fault::Trailing,
    ),
    (
        "another credential within",
        Signed(|d| d.data(|x| x[60] ^= 1)),
        Fault::CredentialId,
    ),
    (
        "a short credential id",
        Signed(|d| d.data(|x| x[54] = 8)),
        Fault::CredentialId,
    ),
    (
        "an algorithm that was not offered",
        Signed(|d| {
            d.data(|x| {
                let at = x.len() - 73;
                x[at] = 0x27;
            })
        }),
        Fault::Key,
    ),
    (
        "a point beside the curve",
        Signed(|d| {
            d.data(|x| {
                let at = x.len() - 1;
                x[at] ^= 1;
            })
        }),
        Fault::Key,
    ),
    (
        "a key of no known kind",
        Signed(|d| {
            d.data(|x| {
                let at = x.len() - 75;
                x[at] = 4;
            })
        }),
        Fault::Key,
    ),
    (
        "another format",
        Sent(|a| field(a, "attestationObject", |o| replace(&o, b"dnone", b"dnome"))),
        Fault::Attestation,
    ),
    (
        "a statement where there is none",
        Sent(|a| {
            field(a, "attestationObject", |o| {
                replace(&o, b"attStmt\xa0", b"attStmt\xa1\x01\x01")
            })
        }),
        Fault::Attestation,
    ),
    (
        "something after the object",
        Sent(|a| field(a, "attestationObject", |o| [o, vec![0]].concat())),
        Fault::Unreadable,
    ),
    (
        "no object",
        Sent(|a| field(a, "attestationObject", |_| Vec::new())),
        Fault::Unreadable,
    ),
    (
        "a key that is not found by itself",
        Sent(|mut a| {
            a["clientExtensionResults"]["credProps"]["rk"] = json!(false);
            a
        }),
        Fault::NotDiscoverable,
    ),
    (
        "ids that differ",
        Sent(|mut a| {
            a["rawId"] = json!(base64url(&[8; 32]));
            a
        }),
        Fault::CredentialId,
    ),
    (
        "no public key",
        Sent(|mut a| {
            a["type"] = json!("password");
            a
        }),
        Fault::Kind,
    ),
];

fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes
        .windows(from.len())
        .position(|part| part == from)
        .expect("the part");
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

fn shown(key: &mut Authenticator, options: &Value, change: &Change) -> Value {
    let draft = key.draft(options);
    match change {
        Signed(change) => key.sign(&change(draft)),
        Sent(change) => change(key.sign(&draft)),
    }
}

fn made(key: &mut Authenticator, options: &Value, change: &Change) -> Value {
    let draft = key.draft_new(options);
    match change {
        Signed(change) => key.send_new(&change(draft)),
        Sent(change) => change(key.send_new(&draft)),
    }
}

/// Lists what was tried and refused; fails when it is fewer than A60 wants, or the same under two names.
fn listed(what: &str, least: usize, tried: &[(&str, String)]) {
    let names: BTreeSet<&str> = tried.iter().map(|(name, _)| *name).collect();
    let answers: BTreeSet<&str> = tried.iter().map(|(_, answer)| answer.as_str()).collect();
    println!(
        "A60, {what}: {} changes, each refused: {names:#?}",
        names.len()
    );
    assert_eq!((names.len(), answers.len()), (tried.len(), tried.len()));
    assert!(names.len() >= least, "{} of {least} {what}", names.len());
}

testkit::both_engines! {
    /// A60: every change of a sign-in's answer is refused by its name, and nobody is in.
    async fn changed_answers_sign_nobody_in(db: TestDb) {
        let house = House::new(db);
        let welcome = house.enter(&phone(ANNA), browser(1)).await;
        let who = house.signed_in(&welcome).await;
        let mut key = device(1);
        house.with_passkey(&who, &mut key).await;
        let before = house.count(&raw::SESSIONS).await;
        let mut tried = Vec::new();
        for (name, change, fault) in SHOWN {
            let begun = house.begin_sign_in(browser(2)).await;
            let answer = shown(&mut key, &options(&begun), change);
            tried.push((*name, answer.to_string()));
            let refused = house.sign_in_with(browser(2), begun.ceremony, &answer).await;
            assert_eq!(refused.err(), Some((Some(*fault), Refusal::from(*fault))), "{name}");
        }
        listed("sign-ins", 25, &tried);
        assert_eq!(house.count(&raw::SESSIONS).await, before);
        // The same key, unchanged, is let in.
        house.enter_with(browser(2), &mut key).await.expect("in");
        house.settled().await;
    }

    /// A60: another key under the same credential, and another's credential under the own handle.
    async fn other_keys_sign_nobody_in(db: TestDb) {
        let house = House::new(db);
        let anna = house.enter(&phone(ANNA), browser(1)).await;
        let anna = house.signed_in(&anna).await;
        let boris = house.enter(&phone("+7 912 000-00-02"), browser(2)).await;
        let boris = house.signed_in(&boris).await;
        let (mut hers, mut his) = (device(1), device(2));
        house.with_passkey(&anna, &mut hers).await;
        house.with_passkey(&boris, &mut his).await;
        let mut forged = device(9);
        (forged.credential, forged.handle) = (hers.credential.clone(), hers.handle.clone());
        let refused = house.enter_with(browser(3), &mut forged).await;
        assert_eq!(refused.err(), Some((Some(Fault::Signature), Refusal::No)));
        let mut posing = his.clone();
        posing.handle.clone_from(&hers.handle);
        let refused = house.enter_with(browser(3), &mut posing).await;
        assert_eq!(refused.err(), Some((Some(Fault::HandleOther), Refusal::No)));
        let mut posing = his.clone();
        posing.credential.clone_from(&hers.credential);
        let refused = house.enter_with(browser(3), &mut posing).await;
        assert_eq!(refused.err(), Some((Some(Fault::HandleOther), Refusal::No)));
    }

    /// A60: every change of a new key is refused by its name, and no key is kept.
    async fn changed_keys_are_not_kept(db: TestDb) {
        let house = House::new(db);
        let welcome = house.enter(&phone(ANNA), browser(1)).await;
        let who = house.signed_in(&welcome).await;
        let mut key = device(1);
        let mut tried = Vec::new();
        for (name, change, fault) in MADE {
            let (id, options) = house.asked_to_add(&who).await;
            let answer = made(&mut key, &options, change);
            tried.push((*name, answer.to_string()));
            let refused = house.finish_adding(&who, id, &answer, None).await;
            assert_eq!(refused, Adding::Refused(*fault), "{name}");
        }
        listed("new keys", 25, &tried);
        assert!(house.passkeys(&who).await.is_empty());
        let (id, options) = house.asked_to_add(&who).await;
        let answer = key.create(&options);
        let kept = house.finish_adding(&who, id, &answer, None).await;
        assert!(matches!(kept, Adding::Performed(Performed::Done(_))), "{kept:?}");
    }
}
