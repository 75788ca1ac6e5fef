//! What is sealed opens whole, for its purpose and its account, or not at all.

mod common;

use common::{Seeded, account, vault};
use proptest::prelude::*;
use vault::{SEAL_OVERHEAD, Token, Vault, VaultError, WrappedKey, same, token_hash};

proptest! {
    #[test]
    fn what_is_sealed_opens_again(seed: u64, purpose: String, plain: Vec<u8>) {
        let vault = vault(seed);
        let wrapped = vault.new_data_key(account(seed)).unwrap();
        let key = vault.unwrap(account(seed), &wrapped).unwrap();
        let sealed = key.seal(&purpose, &plain);
        prop_assert_eq!(sealed.len(), plain.len() + SEAL_OVERHEAD);
        prop_assert_eq!(&*key.open(&purpose, &sealed).unwrap(), plain.as_slice());
        let sealed = vault.seal_system(&purpose, &plain);
        prop_assert_eq!(&*vault.open_system(&purpose, &sealed).unwrap(), plain.as_slice());
    }

    /// F19: no byte is unauthenticated, and nothing falls back to plain text.
    #[test]
    fn any_changed_cut_or_added_byte_is_refused(
        seed: u64, plain in prop::collection::vec(any::<u8>(), 0..100), at: prop::sample::Index, bit in 0_u32..8,
    ) {
        let vault = vault(seed);
        let wrapped = vault.new_data_key(account(seed)).unwrap();
        let key = vault.unwrap(account(seed), &wrapped).unwrap();
        let change = |bytes: &[u8]| {
            let at = at.index(bytes.len());
            let mut flipped = bytes.to_vec();
            flipped[at] ^= 1_u8 << bit;
            [flipped, bytes[..at].to_vec(), [bytes, &[0]].concat()]
        };
        for bad in change(&key.seal("profile.name", &plain)) {
            prop_assert!(key.open("profile.name", &bad).is_err());
        }
        for bad in change(&vault.seal_system("job", &plain)) {
            prop_assert!(vault.open_system("job", &bad).is_err());
        }
        for bad in change(wrapped.as_bytes()) {
            prop_assert!(vault.unwrap(account(seed), &WrappedKey::from_bytes(bad)).is_err());
        }
    }

    #[test]
    fn another_purpose_or_account_is_refused(seed: u64, a: String, b: String, plain: Vec<u8>) {
        prop_assume!(a != b);
        let vault = vault(seed);
        let (mine, other) = (account(seed), account(!seed));
        let wrapped = vault.new_data_key(mine).unwrap();
        prop_assert_eq!(vault.unwrap(other, &wrapped).unwrap_err(), VaultError::Refused);
        let key = vault.unwrap(mine, &wrapped).unwrap();
        let sealed = key.seal(&a, &plain);
        prop_assert_eq!(key.open(&b, &sealed).unwrap_err(), VaultError::Refused);
        let others = vault.unwrap(other, &vault.new_data_key(other).unwrap()).unwrap();
        prop_assert!(others.open(&a, &sealed).is_err());
        let sealed = vault.seal_system(&a, &plain);
        prop_assert_eq!(vault.open_system(&b, &sealed).unwrap_err(), VaultError::Refused);
        prop_assert!(key.open(&a, &sealed).is_err());
    }

    #[test]
    fn a_token_has_one_text(seed: u64) {
        let token = Token::new(&*Seeded::new(seed));
        let text = token.expose();
        prop_assert_eq!(text.len(), Token::TEXT_LENGTH);
        prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        prop_assert_eq!(&Token::from_text(&text).unwrap(), &token);
        // The last character carries 4 bits of the token and 2 that must be zero.
        let (head, last) = text.split_at(42);
        for other in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=".chars() {
            if let Ok(read) = Token::from_text(&format!("{head}{other}")) {
                prop_assert_eq!(read == token, last.starts_with(other));
            }
        }
    }
}

/// DE-2: with the wrapped key gone nothing else in the system opens the account's data, and a
/// new key for the same account does not either.
#[test]
fn a_destroyed_data_key_takes_the_data_with_it() {
    let vault = vault(1);
    let old = vault.new_data_key(account(1)).unwrap();
    let sealed = vault.unwrap(account(1), &old).unwrap().seal("p", b"plain");
    drop(old);
    let new = vault.new_data_key(account(1)).unwrap();
    let key = vault.unwrap(account(1), &new).unwrap();
    assert!(matches!(
        key.open("p", &sealed),
        Err(VaultError::UnknownKey(_))
    ));
    assert!(vault.open_system("p", &sealed).is_err());
}

/// F19: the vault of another key file opens nothing and finds nobody.
#[test]
fn another_key_file_opens_nothing() {
    let (ours, theirs) = (vault(1), vault(2));
    let wrapped = ours.new_data_key(account(1)).unwrap();
    assert!(matches!(
        theirs.unwrap(account(1), &wrapped),
        Err(VaultError::UnknownKey(_))
    ));
    let sealed = ours.seal_system("p", b"x");
    assert!(matches!(
        theirs.open_system("p", &sealed),
        Err(VaultError::UnknownKey(_))
    ));
    assert_ne!(
        ours.index("phone", "+79990000000"),
        theirs.index("phone", "+79990000000")
    );
    assert_ne!(ours.public_key(), theirs.public_key());
}

#[test]
fn equal_values_seal_differently_and_index_equally() {
    let vault = vault(1);
    assert_ne!(vault.seal_system("p", b"x"), vault.seal_system("p", b"x"));
    let index = |kind: &str, text: &str| vault.index(kind, text);
    assert_eq!(
        index("phone", "+79990000000"),
        index("phone", "+79990000000")
    );
    assert_ne!(
        index("phone", "+79990000000"),
        index("email", "+79990000000")
    );
    assert_ne!(
        index("phone", "+79990000000"),
        index("phone", "+79990000001")
    );
}

/// A18: what is stored of a code depends on the server's key, the salt and the code.
#[test]
fn a_code_is_kept_only_as_a_salted_mac() {
    let (a, b) = (vault(1), vault(2));
    let mac = a.code_mac(b"salt", "123456");
    assert!(same(&mac, &a.code_mac(b"salt", "123456")));
    assert!(!same(&mac, &a.code_mac(b"salt", "123457")));
    assert!(!same(&mac, &a.code_mac(b"tlas", "123456")));
    assert!(!same(&mac, &a.code_mac(b"salt1", "23456")));
    assert!(!same(&mac, &b.code_mac(b"salt", "123456")));
    assert_ne!(mac, *a.index("salt", "123456"));
}

/// A28: 256 bits, and only the hash is for the database.
#[test]
fn a_token_is_kept_only_as_its_hash() {
    let token = Token::new(&vault::OsChance);
    let bytes: Vec<u8> = {
        use base64::Engine;
        base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(&*token.expose())
            .unwrap()
    };
    assert_eq!(bytes.len(), 32);
    assert_eq!(token.hash(), token_hash(&bytes));
    assert_ne!(token, Token::new(&vault::OsChance));
}

#[test]
fn a_signature_holds_for_its_purpose_message_and_key() {
    let vault = vault(1);
    let public: vault::PublicKey = vault.public_key().to_string().parse().unwrap();
    let signature = vault.sign("audit head", b"message");
    assert!(public.verify("audit head", b"message", &signature));
    assert!(!public.verify("audit head", b"massage", &signature));
    assert!(!public.verify("audit hea", b"dmessage", &signature));
    assert!(
        !common::vault(2)
            .public_key()
            .verify("audit head", b"message", &signature)
    );
    for at in 0..signature.len() {
        let mut bad = signature;
        bad[at] ^= 1;
        assert!(!public.verify("audit head", b"message", &bad));
    }
    assert!(!public.verify("audit head", b"message", &signature[..63]));
}

/// The fault of a key service reaches the caller as it is (F19: no fallback).
#[test]
fn a_key_service_that_does_not_answer_is_an_error() {
    struct Silent;
    impl vault::MasterKeys for Silent {
        fn current(&self) -> vault::KeyId {
            vault::KeyId::from_bytes([0; 4])
        }
        fn old(&self) -> Vec<vault::KeyId> {
            Vec::new()
        }
        fn wrap(&self, _: &[u8], _: &[u8; 32]) -> Result<(vault::KeyId, Vec<u8>), VaultError> {
            Err(VaultError::Unavailable("no answer".to_owned()))
        }
        fn unwrap(
            &self,
            _: vault::KeyId,
            _: &[u8],
            _: &[u8],
        ) -> Result<zeroize::Zeroizing<[u8; 32]>, VaultError> {
            Err(VaultError::Unavailable("no answer".to_owned()))
        }
    }
    let secrets = vault::WrappedSecrets {
        lasting: vault(1).new_data_key(account(1)).unwrap(),
        system: vec![],
    };
    let error = Vault::with_masters(std::sync::Arc::new(Silent), &secrets, Seeded::new(1));
    assert_eq!(error.unwrap_err().code(), "vault.unavailable");
}
