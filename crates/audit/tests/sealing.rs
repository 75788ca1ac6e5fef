//! The seals and their file (A104, F10, F18, F19).

mod common;

use std::fs;

use audit::{SealError, SealFileError, check_key, export_seals, read_seals, seal_now};
use common::{Log, MINUTE, line_count, raw};
use db::params;
use testkit::{SeededChance, TestDb, race};
use vault::Vault;

testkit::both_engines! {
    /// One seal a minute however many nodes try, and every one of them in the file.
    async fn many_sealers_make_one_seal_a_minute(db: TestDb) {
        let log = Log::new(db);
        for minute in 1..=3 {
            log.fill(1, 2).await;
            log.db.clock().advance(MINUTE);
            let made = race(16, |node| {
                let (db, vault) = (log.db.db(), log.vault.clone());
                let file = log.folder.path().join(format!("node-{node}.jsonl"));
                async move { seal_now(&db, &vault, &file, MINUTE).await.unwrap().is_some() }
            })
            .await;
            assert_eq!(made.iter().filter(|made| **made).count(), 1);
            let _ = export_seals(&log.db, &log.folder.path().join("node-0.jsonl")).await.unwrap();
            assert_eq!(line_count(&log.folder.path().join("node-0.jsonl")), minute);
        }
        let file = log.folder.path().join("node-0.jsonl");
        let report = audit::verify(&log.db, Some(read_seals(&file).unwrap()), &[log.vault.public_key()]).await.unwrap();
        assert_eq!((report.seals, report.unexported, report.is_clean()), (3, 0, true));
    }

    /// A quiet minute is sealed too: that nothing happened is also said.
    async fn a_quiet_minute_is_sealed(db: TestDb) {
        let log = Log::new(db);
        assert_eq!(log.seal().await.changed.len(), 0);
        log.fill(2, 1).await;
        assert_eq!(log.seal().await.changed.len(), 1);
        let quiet = log.seal().await;
        assert_eq!((quiet.number, quiet.changed.len()), (3, 0));
        assert!(log.verify().await.is_clean());
    }

    /// A104: the file of seals is for its owner alone from its first moment on.
    async fn the_file_is_for_its_owner(db: TestDb) {
        use std::os::unix::fs::PermissionsExt as _;
        let log = Log::new(db);
        for _ in 0..2 {
            log.seal().await;
            let mode = fs::metadata(log.file()).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{mode:o}");
        }
    }

    /// Between two seals of a minute nothing is sealed.
    async fn a_seal_is_not_made_too_early(db: TestDb) {
        let log = Log::new(db);
        log.seal().await;
        assert!(seal_now(&log.db, &log.vault, &log.file(), MINUTE).await.unwrap().is_none());
    }

    /// F10: an append cut in the middle is neither read nor left, and its seal comes again.
    async fn a_torn_line_is_mended(db: TestDb) {
        let log = Log::new(db);
        log.fill(2, 3).await;
        log.seal().await;
        log.seal().await;
        let whole = fs::read(log.file()).unwrap();
        let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for cut in [0, 1, first - 1, first, first + 1, whole.len() - 1] {
            fs::write(log.file(), &whole[..cut]).unwrap();
            let seals = read_seals(&log.file()).unwrap().map(Result::unwrap).count();
            assert_eq!(seals, usize::from(cut >= first));
            assert!(log.verify().await.is_clean());
            assert_eq!(export_seals(&log.db, &log.file()).await.unwrap(), 2 - seals as u64);
            assert_eq!(fs::read(log.file()).unwrap(), whole);
        }
        assert_eq!(export_seals(&log.db, &log.file()).await.unwrap(), 0);
    }

    /// A file that was lost is written again from the database, in more than one page.
    async fn a_lost_file_is_written_again(db: TestDb) {
        let log = Log::new(db);
        for _ in 0..203 {
            log.seal().await;
        }
        let whole = fs::read(log.file()).unwrap();
        fs::remove_file(log.file()).unwrap();
        assert_eq!(export_seals(&log.db, &log.file()).await.unwrap(), 203);
        assert_eq!(fs::read(log.file()).unwrap(), whole);
        assert_eq!(log.verify().await.seals, 203);
    }

    /// F19: with another key file the start is refused, and nothing is sealed.
    async fn another_key_file_is_refused(db: TestDb) {
        let log = Log::new(db);
        let other = Vault::ephemeral(SeededChance::new(77)).unwrap();
        check_key(&log.db, &other).await.unwrap();
        log.seal().await;
        check_key(&log.db, &log.vault).await.unwrap();
        let refused = check_key(&log.db, &other).await.unwrap_err();
        assert!(refused.to_string().contains("start with the key file it was made with"));
        assert_eq!(refused.code(), "audit.seal.other_key");
        log.db.clock().advance(MINUTE);
        let refused = seal_now(&log.db, &other, &log.file(), MINUTE).await.unwrap_err();
        assert!(matches!(refused, SealError::OtherKey { .. }));
    }

    /// A file of seals that holds something else is not written to.
    async fn a_damaged_file_is_refused(db: TestDb) {
        let log = Log::new(db);
        log.seal().await;
        let mut text = fs::read_to_string(log.file()).unwrap();
        text.push_str("{}\n");
        fs::write(log.file(), &text).unwrap();
        log.db.clock().advance(MINUTE);
        let refused = seal_now(&log.db, &log.vault, &log.file(), MINUTE).await.unwrap_err();
        assert!(matches!(refused, SealError::File(SealFileError::Line { .. })), "{refused}");
        let read: Vec<_> = read_seals(&log.file()).unwrap().collect();
        assert!(read[0].is_ok());
        assert!(matches!(read[1], Err(SealFileError::Line { line: 2, .. })));
        assert_eq!(fs::read_to_string(log.file()).unwrap(), text);
    }

    /// A seal of all 64 heads is a long line: it is read back whole, and found again at the end of the file.
    async fn the_longest_line_is_read(db: TestDb) {
        let log = Log::new(db);
        for _ in 0..2 {
            for bucket in 0..64 {
                log.fill(bucket, 1).await;
            }
            assert_eq!(log.seal().await.changed.len(), 64);
        }
        assert_eq!(read_seals(&log.file()).unwrap().filter(Result::is_ok).count(), 2);
        assert_eq!(export_seals(&log.db, &log.file()).await.unwrap(), 0);
        assert!(log.verify().await.is_clean());
    }

    /// F10, A104: only a short rest of a line is an append that was cut; anything else that cannot be read is
    /// named by its line, and a file that cannot be reached by the system's own words.
    async fn what_cannot_be_read_is_named(db: TestDb) {
        let log = Log::new(db);
        log.seal().await;
        let whole = fs::read(log.file()).unwrap();
        let read = |more: &[u8]| {
            fs::write(log.file(), [&whole, more].concat()).unwrap();
            let second = read_seals(&log.file()).unwrap().nth(1);
            second.map(|one| one.unwrap_err().to_string())
        };
        assert_eq!(read(b"{\"torn"), None);
        assert_eq!(read(&[b'x'; 2_000]), None, "a torn line may be long");
        for bad in [b"\xff\xfe\n".as_slice(), b"{}\n", &[b'x'; 70_000]] {
            let said = read(bad).expect("an error");
            assert!(said.contains("line 2"), "{said}");
        }
        let folder = read_seals(log.folder.path()).unwrap().next().unwrap();
        assert!(matches!(folder, Err(SealFileError::Io { .. })), "{folder:?}");
    }

    /// A104: a file whose last seal is not the one of the database is not written to: a fork and a database that
    /// was set back are told apart, and each names where.
    async fn a_file_of_another_history_is_refused(db: TestDb) {
        let log = Log::new(db);
        for _ in 0..3 {
            log.seal().await;
        }
        let text = fs::read_to_string(log.file()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let second: serde_json::Value = serde_json::from_str(lines[1]).unwrap();
        let mut forked = second.clone();
        forked["at"] = (second["at"].as_i64().unwrap() + 1).into();
        fs::write(log.file(), format!("{}\n{forked}\n", lines[0])).unwrap();
        let refused = export_seals(&log.db, &log.file()).await.unwrap_err();
        assert!(matches!(refused, SealError::Forked { number: 2, .. }), "{refused}");
        fs::write(log.file(), &text).unwrap();
        log.raw(&raw::CUT_SEALS, params![1_i64]).await;
        let refused = export_seals(&log.db, &log.file()).await.unwrap_err();
        assert!(matches!(refused, SealError::DatabaseBehind { in_database: 1, in_file: 3, .. }), "{refused}");
        assert_eq!(fs::read_to_string(log.file()).unwrap(), text, "nothing was written");
    }

    /// A104: a seal that the file ends with and the database lacks, although it has a later one, is no fork.
    async fn a_seal_taken_out_of_the_middle_is_refused(db: TestDb) {
        let log = Log::new(db);
        for _ in 0..3 {
            log.seal().await;
        }
        let text = fs::read_to_string(log.file()).unwrap();
        let two: Vec<&str> = text.lines().take(2).collect();
        fs::write(log.file(), two.join("\n") + "\n").unwrap();
        log.raw(&raw::DELETE_SEAL, params![2_i64]).await;
        let refused = export_seals(&log.db, &log.file()).await.unwrap_err();
        assert!(matches!(refused, SealError::DatabaseBehind { in_database: 3, in_file: 2, .. }), "{refused}");
    }

    /// A104: a head that stays where it was sealed and says something else gets no new signature.
    async fn a_head_changed_in_place_is_not_sealed(db: TestDb) {
        let log = Log::new(db);
        log.fill(2, 3).await;
        log.seal().await;
        let other = [7_u8; 32];
        log.raw(&raw::HEAD, params![3_i64, &other, 2_i64]).await;
        log.db.clock().advance(MINUTE);
        let refused = seal_now(&log.db, &log.vault, &log.file(), MINUTE).await.unwrap_err();
        assert!(matches!(refused, SealError::WentBack { bucket: 2 }), "{refused}");
    }
}
