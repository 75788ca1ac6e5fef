//! Nothing that can be printed shows a secret (A18, ASVS 16.2.5).

mod common;

use base64::Engine;
use common::{NOW, Seeded, account};
use vault::{KeyFile, Token, VaultError};

/// Every spelling in which a secret could slip into a log.
fn spellings(secret: &[u8]) -> Vec<String> {
    vec![
        hex::encode(secret),
        hex::encode_upper(secret),
        base64::engine::general_purpose::STANDARD.encode(secret),
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(secret),
        format!("{secret:?}").trim_matches(['[', ']']).to_owned(),
        String::from_utf8_lossy(secret).into_owned(),
    ]
}

#[test]
fn nothing_printed_shows_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let chance = Seeded::new(3);
    let file = KeyFile::create(&path, NOW, &*chance).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let vault = file.vault(chance.clone()).unwrap();
    let wrapped = vault.new_data_key(account(1)).unwrap();
    let key = vault.unwrap(account(1), &wrapped).unwrap();
    let token = Token::new(&*chance);
    let name = b"Anna Ivanova".as_slice();
    let sealed = key.seal("profile.name", name);
    let opened = key.open("profile.name", &sealed).unwrap();
    let index = vault.index("phone", "+79990000000");
    let pepper = vault.pepper();

    let mut printed = vec![
        format!("{file:?} {file:#?}"),
        format!("{:?} {:#?}", file.ring(), file.ring()),
        format!("{vault:?} {vault:#?}"),
        format!("{wrapped:?} {wrapped:#?}"),
        format!("{key:?} {key:#?}"),
        format!("{token:?} {token:#?}"),
        format!("{opened:?} {opened:#?}"),
        format!("{index:?} {index:#?}"),
        format!("{pepper:?} {pepper:#?}"),
        format!("{:?}", vault.public_key()),
        format!("{:?}", vault::OsChance),
    ];
    let id = wrapped.master().unwrap();
    for error in [
        VaultError::Malformed,
        VaultError::UnknownKey(id),
        VaultError::Refused,
        VaultError::NotText,
        VaultError::Unavailable("no answer".to_owned()),
    ] {
        printed.push(format!("{error} {error:?} {}", error.code()));
    }
    std::fs::write(&path, text.replace('A', "B")).unwrap();
    let error = KeyFile::open(&path).unwrap_err();
    printed.push(format!("{error} {error:?}"));
    let error = Token::from_text(&format!("{}=", &token.expose()[..42])).unwrap_err();
    printed.push(format!("{error} {error:?}"));

    let mut secrets = spellings(name);
    secrets.extend(spellings(&*index));
    secrets.extend(spellings(pepper.expose()));
    secrets.extend(spellings(&sealed));
    secrets.extend(spellings(wrapped.as_bytes()));
    secrets.push(token.expose().to_string());
    secrets.push("+79990000000".to_owned());
    for line in text.lines() {
        let word = line.rsplit(' ').next().unwrap();
        if ["master", "lasting", "system"]
            .iter()
            .any(|kind| line.starts_with(kind))
        {
            let bytes = base64::engine::general_purpose::STANDARD
                .decode(word)
                .unwrap();
            secrets.extend(spellings(&bytes));
        }
    }
    for shown in &printed {
        for secret in &secrets {
            assert!(!shown.contains(secret.as_str()), "{shown}");
        }
    }
}
