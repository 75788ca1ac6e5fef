//! F19 and F10: a key file is trusted only whole and guarded, and says what to do otherwise.

mod common;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use common::{NOW, Seeded, account};
use kernel::Timestamp;
use tempfile::TempDir;
use vault::{KeyFile, KeyFileError, RetireError, Vault, VaultError};

struct Place {
    folder: TempDir,
    path: PathBuf,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kabinet.key");
    Place { folder, path }
}

fn made() -> Place {
    let place = place();
    KeyFile::create(&place.path, NOW, &vault::OsChance).unwrap();
    place
}

impl Place {
    /// The refusal's text with the folder cut out.
    fn refusal(&self) -> String {
        let text = KeyFile::open(&self.path).unwrap_err().to_string();
        text.replace(self.folder.path().to_str().unwrap(), "")
    }

    fn rewrite(&self, change: impl FnOnce(String) -> String) {
        let text = fs::read_to_string(&self.path).unwrap();
        fs::write(&self.path, change(text)).unwrap();
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(&self.folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

#[test]
fn a_new_file_is_for_its_owner_alone_and_opens_again() {
    let place = place();
    let made = KeyFile::create(&place.path, NOW, &vault::OsChance).unwrap();
    let mode = fs::metadata(&place.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    assert_eq!(place.names(), ["kabinet.key"]);
    let opened = KeyFile::open(&place.path).unwrap();
    assert_eq!(opened.ring().generation(), 1);
    assert_eq!(opened.ring().masters().next().unwrap().1, NOW);
    let chance = Seeded::new(1);
    assert_eq!(
        made.vault(chance.clone()).unwrap().public_key(),
        Vault::open(&place.path, chance).unwrap().public_key()
    );
}

#[test]
fn an_existing_file_is_never_overwritten() {
    let place = made();
    let before = fs::read(&place.path).unwrap();
    let refused = KeyFile::create(&place.path, NOW, &vault::OsChance).unwrap_err();
    assert!(matches!(refused, KeyFileError::Exists(_)));
    assert_eq!(fs::read(&place.path).unwrap(), before);

    let dangling = place.folder.path().join("dangling");
    symlink("/nowhere", &dangling).unwrap();
    let refused = KeyFile::create(&dangling, NOW, &vault::OsChance).unwrap_err();
    assert!(matches!(refused, KeyFileError::Exists(_)));
    assert_eq!(place.names(), ["dangling", "kabinet.key"]);
}

#[test]
fn sixty_four_makers_at_once_make_one_file() {
    let place = place();
    let made = std::thread::scope(|scope| {
        let makers: Vec<_> = (0..64)
            .map(|_| scope.spawn(|| KeyFile::create(&place.path, NOW, &vault::OsChance)))
            .collect();
        let results = makers.into_iter().map(|maker| maker.join().unwrap());
        results.filter_map(Result::ok).collect::<Vec<_>>()
    });
    assert_eq!(made.len(), 1);
    let chance = Seeded::new(1);
    assert_eq!(
        made[0].vault(chance.clone()).unwrap().public_key(),
        Vault::open(&place.path, chance).unwrap().public_key()
    );
    assert_eq!(place.names(), ["kabinet.key"]);
}

#[test]
fn a_missing_file_says_so() {
    assert_eq!(
        place().refusal(),
        "there is no key file /kabinet.key: put it back from its copy, \
         or make one if this installation has no data yet"
    );
}

#[test]
fn a_file_others_may_use_is_refused() {
    for mode in [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o666] {
        let place = made();
        fs::set_permissions(&place.path, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(
            place.refusal(),
            format!(
                "others may use the key file /kabinet.key (mode {mode:o}): \
                 run chmod 600 /kabinet.key"
            )
        );
    }
    for mode in [0o600, 0o400] {
        let place = made();
        fs::set_permissions(&place.path, fs::Permissions::from_mode(mode)).unwrap();
        KeyFile::open(&place.path).unwrap();
    }
}

#[test]
fn a_symlink_a_folder_and_a_pipe_are_refused() {
    let place = made();
    let real = place.folder.path().join("real");
    fs::rename(&place.path, &real).unwrap();
    symlink(&real, &place.path).unwrap();
    assert_eq!(
        place.refusal(),
        "/kabinet.key is a symbolic link: give the path of the key file itself"
    );
    fs::remove_file(&place.path).unwrap();
    fs::create_dir(&place.path).unwrap();
    let folder = "/kabinet.key is not a regular file: give the path of the key file";
    assert_eq!(place.refusal(), folder);
    fs::remove_dir(&place.path).unwrap();
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &place.path,
        rustix::fs::FileType::Fifo,
        mode,
        0,
    )
    .unwrap();
    assert_eq!(place.refusal(), folder);
}

/// Any flipped bit and any cut is found, whatever it hits.
#[test]
fn a_damaged_file_is_refused() {
    let place = made();
    let whole = fs::read(&place.path).unwrap();
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(&place.path, damaged).unwrap();
        KeyFile::open(&place.path).unwrap_err();
        fs::write(&place.path, &whole[..at]).unwrap();
        KeyFile::open(&place.path).unwrap_err();
    }
    fs::write(&place.path, &whole[..whole.len() - 20]).unwrap();
    assert_eq!(
        place.refusal(),
        "the key file /kabinet.key is damaged (its checksum does not match): \
         put it back from its copy"
    );
}

#[test]
fn another_version_or_another_file_is_refused() {
    let place = made();
    place.rewrite(|text| text.replace("kabinet-key-file 1", "kabinet-key-file 2"));
    assert_eq!(
        place.refusal(),
        "the key file /kabinet.key is of a version this program does not know: \
         start a newer Kabinet"
    );
    place.rewrite(|_| "-----BEGIN PRIVATE KEY-----\n".to_owned());
    assert_eq!(
        place.refusal(),
        "/kabinet.key is not a key file of Kabinet: give the path of the key file"
    );
    fs::write(&place.path, [0xff; 40]).unwrap();
    assert!(place.refusal().contains("is not a key file"));
}

/// A file put together by hand with a right checksum still has to make sense.
#[test]
fn a_file_with_strange_lines_is_refused_without_quoting_them() {
    let sign = |body: &str| {
        let sum = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(body));
        format!("{body}checksum {sum}\n")
    };
    let place = made();
    let whole = fs::read_to_string(&place.path).unwrap();
    let body = &whole[..whole.rfind("checksum").unwrap()];
    let line = |word: &str| {
        let line = body.lines().find(|line| line.starts_with(word)).unwrap();
        format!("{line}\n")
    };
    for bad in [
        body.replace(&line("generation"), ""),
        body.replace(&line("lasting"), ""),
        body.replace(&line("system"), ""),
        body.replace(&line("master"), ""),
        format!("{body}{}", line("generation")),
        format!("{body}{}", line("lasting")),
        format!("{body}{}", line("master")),
        format!("{body}password hunter2\n"),
        body.replace("generation 1", "generation one"),
        body.replace("master ", "master  "),
    ] {
        fs::write(&place.path, sign(&bad)).unwrap();
        let text = place.refusal();
        assert!(text.contains("is not understood"), "{text}");
        assert!(!text.contains("hunter2"));
    }
    fs::write(&place.path, sign(body)).unwrap();
    KeyFile::open(&place.path).unwrap();
}

/// Secrets of one file do not open under the master of another.
#[test]
fn keys_that_do_not_belong_together_are_refused() {
    let (a, b) = (made(), made());
    let text = fs::read_to_string(&b.path).unwrap();
    let foreign = text.lines().find(|l| l.starts_with("master")).unwrap();
    a.rewrite(|text| {
        let own = text.lines().find(|l| l.starts_with("master")).unwrap();
        let body = text.replace(own, foreign);
        let body = &body[..body.rfind("checksum").unwrap()];
        let sum = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(body));
        format!("{body}checksum {sum}\n")
    });
    let refused = Vault::open(&a.path, Seeded::new(1)).unwrap_err();
    assert!(matches!(refused, KeyFileError::Keys { .. }), "{refused}");
}

/// F19 «rotated»: the old key still reads, the new one writes, indexes and signatures stay.
#[test]
fn rotation_keeps_everything_readable() {
    let place = made();
    let chance = Seeded::new(7);
    let before = Vault::open(&place.path, chance.clone()).unwrap();
    let wrapped = before.new_data_key(account(1)).unwrap();
    let sealed = before.unwrap(account(1), &wrapped).unwrap().seal("p", b"x");
    let system = before.seal_system("p", b"y");
    let signature = before.sign("p", b"m");
    assert!(!before.needs_rewrap(&wrapped));

    let mut file = KeyFile::open(&place.path).unwrap();
    let old = wrapped.master().unwrap();
    let later = Timestamp::from_micros(NOW.as_micros() + 1);
    let new = file.rotate(later, &vault::OsChance).unwrap();
    assert_ne!(new, old);
    assert_eq!(place.names(), ["kabinet.key"]);
    let mode = fs::metadata(&place.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);

    let after = Vault::open(&place.path, chance.clone()).unwrap();
    let key = after.unwrap(account(1), &wrapped).unwrap();
    assert_eq!(&*key.open("p", &sealed).unwrap(), b"x");
    assert_eq!(&*after.open_system("p", &system).unwrap(), b"y");
    assert_eq!(after.index("phone", "+7"), before.index("phone", "+7"));
    assert_eq!(after.code_mac(b"s", "1"), before.code_mac(b"s", "1"));
    assert_eq!(after.pepper().expose(), before.pepper().expose());
    assert!(after.public_key().verify("p", b"m", &signature));
    assert_eq!(after.public_key(), before.public_key());

    // New writes are under the new keys: a node with the old file says what to do.
    let fresh = after.new_data_key(account(2)).unwrap();
    assert_eq!(fresh.master(), Ok(new));
    let refused = before.unwrap(account(2), &fresh).unwrap_err();
    assert_eq!(refused, VaultError::UnknownKey(new));
    assert!(
        refused
            .to_string()
            .contains("start every node with the new key file")
    );
    let refused = before.open_system("p", &after.seal_system("p", b"z"));
    assert!(matches!(refused, Err(VaultError::UnknownKey(_))));

    // Rewrapped, it needs the old master no more.
    assert!(after.needs_rewrap(&wrapped));
    let rewrapped = after.rewrap(account(1), &wrapped).unwrap();
    assert!(!after.needs_rewrap(&rewrapped));
    let mut file = KeyFile::open(&place.path).unwrap();
    let refused = file.retire(old, 1).unwrap_err();
    assert!(matches!(
        refused,
        KeyFileError::Retire(RetireError::StillInUse { count: 1, .. })
    ));
    file.retire(old, 0).unwrap();

    let last = Vault::open(&place.path, chance).unwrap();
    let refused = last.unwrap(account(1), &wrapped).unwrap_err();
    assert_eq!(refused, VaultError::UnknownKey(old));
    let key = last.unwrap(account(1), &rewrapped).unwrap();
    assert_eq!(&*key.open("p", &sealed).unwrap(), b"x");
    assert_eq!(&*last.open_system("p", &system).unwrap(), b"y");
}

#[test]
fn the_current_and_unknown_masters_are_not_retired() {
    let place = made();
    let mut file = KeyFile::open(&place.path).unwrap();
    let before = fs::read(&place.path).unwrap();
    let current = file.ring().masters().last().unwrap().0;
    assert!(matches!(
        file.retire(current, 0).unwrap_err(),
        KeyFileError::Retire(RetireError::Current(_))
    ));
    let unknown = vault::KeyId::from_bytes([0; 4]);
    assert!(matches!(
        file.retire(unknown, 0).unwrap_err(),
        KeyFileError::Retire(RetireError::Unknown(_))
    ));
    assert_eq!(fs::read(&place.path).unwrap(), before);
}

/// F10: what an interrupted rotation left is neither read nor overwritten.
#[test]
fn a_rotation_left_half_way_changes_nothing_and_says_so() {
    let place = made();
    let mut file = KeyFile::open(&place.path).unwrap();
    let left = place.folder.path().join("kabinet.key.new");
    fs::write(&left, "half").unwrap();
    let refused = file.rotate(NOW, &vault::OsChance).unwrap_err();
    assert!(refused.to_string().contains("delete it and try again"));
    KeyFile::open(&place.path).unwrap();
    fs::remove_file(left).unwrap();
    file.rotate(NOW, &vault::OsChance).unwrap();
}

/// Two operators rotate at once: the second must not undo the first.
#[test]
fn a_file_changed_meanwhile_is_not_replaced() {
    let place = made();
    let mut first = KeyFile::open(&place.path).unwrap();
    let mut second = KeyFile::open(&place.path).unwrap();
    first.rotate(NOW, &vault::OsChance).unwrap();
    let refused = second.rotate(NOW, &vault::OsChance).unwrap_err();
    assert!(matches!(refused, KeyFileError::Changed(_)));
    assert_eq!(KeyFile::open(&place.path).unwrap().ring().generation(), 2);
    assert_eq!(place.names(), ["kabinet.key"]);
}
