//! A104: whoever owns the database changes the past, and is found at the first bad row.

mod common;

use std::collections::HashSet;
use std::fs;

use audit::{Scope, SealError, export, read_seals, verify_export};
use common::{Log, MINUTE, line_count, raw, texts};
use db::params;
use kernel::AccountId;
use testkit::TestDb;

/// Two buckets with thirty entries each; 1–10 are in the first seal, 11–20 in the second, the rest unsealed.
async fn log(db: TestDb) -> Log {
    let log = Log::new(db);
    for round in 0..3 {
        log.fill(7, 10).await;
        log.fill(30, 10).await;
        if round < 2 {
            log.seal().await;
        }
    }
    let report = log.verify().await;
    assert_eq!(texts(&report), Vec::<String>::new());
    assert_eq!(
        (
            report.entries,
            report.unsealed,
            report.seals,
            report.unexported
        ),
        (60, 20, 2, 0)
    );
    log
}

async fn exported(log: &Log, scope: Scope) -> (String, audit::Report) {
    let mut bytes = Vec::new();
    let keys = [log.vault.public_key()];
    let seals = read_seals(&log.file()).unwrap();
    let report = export(&log.db, Some(seals), &keys, scope, &mut bytes)
        .await
        .unwrap();
    (String::from_utf8(bytes).unwrap(), report)
}

testkit::both_engines! {
    /// 1 of 5, edited: any column of any row.
    async fn an_edited_entry_is_named(db: TestDb) {
        let log = log(db).await;
        let other = AccountId::from_bytes(&[9; 16]).unwrap();
        let some = Some(other.as_bytes());
        let (record, prev, hash) = log.row(7, 14).await;
        let edited = vec!["bucket 7, entry 14: edited".to_owned()];

        log.raw(&raw::SET_ACTION, params!["sign_in.refused", 7_i64, 14_i64]).await;
        assert_eq!(log.found().await, edited);
        log.raw(&raw::SET_ACTION, params![record.action.as_str(), 7_i64, 14_i64]).await;
        log.raw(&raw::SET_AT, params![record.at + 1, 7_i64, 14_i64]).await;
        assert_eq!(log.found().await, edited);
        log.raw(&raw::SET_AT, params![record.at, 7_i64, 14_i64]).await;
        for changed in [some, None] {
            log.raw(&raw::SET_ACCOUNT, params![changed, 7_i64, 14_i64]).await;
            assert_eq!(log.found().await, edited);
        }
        log.raw(&raw::SET_ACCOUNT, params![record.account_id.as_deref(), 7_i64, 14_i64]).await;
        log.raw(&raw::SET_ACTOR_KIND, params!["staff", 7_i64, 14_i64]).await;
        assert_eq!(log.found().await, edited);
        log.raw(&raw::SET_ACTOR_KIND, params!["customer", 7_i64, 14_i64]).await;
        log.raw(&raw::SET_ACTOR_ID, params![some, 7_i64, 14_i64]).await;
        assert_eq!(log.found().await, edited);
        log.raw(&raw::SET_ACTOR_ID, params![record.actor_id.as_deref(), 7_i64, 14_i64]).await;
        log.raw(&raw::SET_ON_BEHALF, params![some, 7_i64, 14_i64]).await;
        assert_eq!(log.found().await, edited);
        log.raw(&raw::SET_ON_BEHALF, params![None::<&[u8]>, 7_i64, 14_i64]).await;
        log.raw(&raw::SET_SESSION, params![some, 7_i64, 14_i64]).await;
        assert_eq!(log.found().await, edited);
        log.raw(&raw::SET_SESSION, params![None::<&[u8]>, 7_i64, 14_i64]).await;
        log.raw(&raw::SET_EVENT, params![other.as_bytes(), 7_i64, 14_i64]).await;
        assert_eq!(log.found().await, edited);
        log.raw(&raw::SET_EVENT, params![&record.event_id, 7_i64, 14_i64]).await;
        log.raw(&raw::SET_DETAILS, params![b"".as_slice(), 7_i64, 14_i64]).await;
        assert_eq!(log.found().await, edited);
        log.raw(&raw::SET_DETAILS, params![&record.details, 7_i64, 14_i64]).await;
        for bad in [[7; 32].as_slice(), &[7; 31], &[]] {
            log.raw(&raw::SET_PREV, params![bad, 7_i64, 14_i64]).await;
            assert_eq!(log.found().await, edited);
            log.raw(&raw::SET_PREV, params![&prev, 7_i64, 14_i64]).await;
            log.raw(&raw::SET_HASH, params![bad, 7_i64, 14_i64]).await;
            assert_eq!(log.found().await, edited);
            log.raw(&raw::SET_HASH, params![&hash, 7_i64, 14_i64]).await;
        }
        assert!(log.verify().await.is_clean());
    }

    /// Edited together with its hash: the next entry gives it away, or the seal, or the head.
    async fn a_rehashed_entry_is_named(db: TestDb) {
        let log = log(db).await;
        let (_, _, original) = log.row(7, 30).await;
        for (seq, found) in [
            (14, "bucket 7, entry 14 (possibly from 11): replaced, it and its neighbour do not follow from one another"),
            (20, "bucket 7, entry 20 (possibly from 11): another history than the one that was sealed"),
            (25, "bucket 7, entry 25 (possibly from 21): replaced, it and its neighbour do not follow from one another"),
            (30, "bucket 7, entry 30 (possibly from 21): replaced, it and its neighbour do not follow from one another"),
        ] {
            let (record, _, hash) = log.row(7, seq).await;
            log.rewrite_from(7, seq, seq).await;
            log.raw(&raw::HEAD, params![30_i64, &original, 7_i64]).await;
            assert_eq!(log.found().await, [found]);
            log.raw(&raw::SET_AT, params![record.at, 7_i64, seq]).await;
            log.raw(&raw::SET_HASH, params![&hash, 7_i64, seq]).await;
        }
        assert!(log.verify().await.is_clean());
    }

    /// The entry before is proven by a seal, so the one that denies it is the bad one.
    async fn an_entry_that_denies_a_sealed_one_is_named(db: TestDb) {
        let log = log(db).await;
        let (record, _, _) = log.row(7, 21).await;
        let hash = audit::chain::link(&[5; 32], &record.digest());
        log.raw(&raw::SET_PREV, params![&[5; 32], 7_i64, 21_i64]).await;
        log.raw(&raw::SET_HASH, params![&hash, 7_i64, 21_i64]).await;
        assert_eq!(log.found().await, [
            "bucket 7, entry 21: replaced, it and its neighbour do not follow from one another",
        ]);
    }

    /// 2 of 5, deleted.
    async fn a_deleted_entry_is_named(db: TestDb) {
        let log = log(db).await;
        log.raw(&raw::DELETE, params![7_i64, 1_i64]).await;
        log.raw(&raw::DELETE, params![30_i64, 29_i64]).await;
        assert_eq!(log.found().await, ["bucket 7, entry 1: deleted", "bucket 30, entry 29: deleted"]);
    }

    /// The end of what a seal covers is deleted and what came after is left.
    async fn a_deleted_sealed_entry_is_not_called_the_end(db: TestDb) {
        let log = log(db).await;
        log.raw(&raw::DELETE, params![7_i64, 20_i64]).await;
        assert_eq!(log.found().await, ["bucket 7, entry 20: deleted"]);
    }

    /// 3 of 5, reordered: next to one another or far away.
    async fn reordered_entries_are_named(db: TestDb) {
        let log = log(db).await;
        for (bucket, a, b) in [(7, 14, 15), (30, 2, 28)] {
            log.raw(&raw::MOVE, params![1000_i64, bucket, a]).await;
            log.raw(&raw::MOVE, params![a, bucket, b]).await;
            log.raw(&raw::MOVE, params![b, bucket, 1000_i64]).await;
        }
        assert_eq!(log.found().await, [
            "bucket 7, entry 14: moved, entry 15 stands here",
            "bucket 30, entry 2: moved, entry 28 stands here",
        ]);
    }

    /// 4 of 5, the tail cut off: with the heads left, with the heads changed, with the seals cut too.
    async fn a_cut_tail_is_named(db: TestDb) {
        let log = log(db).await;
        log.raw(&raw::CUT, params![7_i64, 25_i64]).await;
        assert_eq!(log.found().await, ["bucket 7, entry 26: cut off from here on"]);
        log.cut_after(7, 17).await;
        let sealed = ["bucket 7, entry 18: cut off from here on"];
        assert_eq!(log.found().await, sealed);
        assert_eq!(texts(&log.verify_without_file().await), sealed);
        // The best a thief can do inside the database: cut the seals as well. The file knows better.
        log.raw(&raw::CUT_SEALS, params![1_i64]).await;
        assert!(log.verify_without_file().await.is_clean());
        assert_eq!(log.found().await, ["seal 2: cut off from here on", "bucket 7, entry 18: cut off from here on"]);
        // And nothing more is sealed on top of it.
        log.db.clock().advance(MINUTE);
        let refused = audit::seal_now(&log.db, &log.vault, &log.file(), MINUTE).await.unwrap_err();
        assert!(matches!(refused, SealError::DatabaseBehind { in_database: 1, in_file: 2, .. }), "{refused}");
    }

    /// 5 of 5, a fork: another right history, written with the real signing key on a copy of the database.
    async fn a_fork_is_named(db: TestDb) {
        let log = log(db).await;
        // The copy: cut back to the first seal, and gone on from there with other entries.
        log.cut_after(7, 10).await;
        log.cut_after(30, 10).await;
        log.raw(&raw::CUT_SEALS, params![1_i64]).await;
        for bucket in [7_u8, 30] {
            let (_, _, hash) = log.row(bucket, 10).await;
            log.raw(&raw::SEALED_HEAD, params![10_i64, &hash, bucket]).await;
        }
        let genuine = fs::read_to_string(log.file()).unwrap();
        fs::remove_file(log.file()).unwrap();
        log.fill(7, 15).await;
        log.seal().await;
        assert!(log.verify().await.is_clean(), "the fork is right in itself");
        fs::write(log.file(), &genuine).unwrap();
        assert_eq!(log.found().await, [
            "seal 2: another history than the one that was sealed",
            "bucket 7, entry 20 (possibly from 11): another history than the one that was sealed",
            "bucket 30, entry 11: cut off from here on",
        ]);
        log.db.clock().advance(MINUTE);
        let refused = audit::seal_now(&log.db, &log.vault, &log.file(), MINUTE).await.unwrap_err();
        assert!(matches!(refused, SealError::Forked { number: 2, .. }), "{refused}");
        assert_eq!(fs::read_to_string(log.file()).unwrap(), genuine);
    }

    /// Everything hashed anew from one entry on, heads and all: the seals still know.
    async fn a_rewritten_history_is_named(db: TestDb) {
        let log = log(db).await;
        log.rewrite_from(7, 15, 30).await;
        let forked = "bucket 7, entry 20 (possibly from 11): another history than the one that was sealed";
        assert_eq!(log.found().await, [forked]);
        assert_eq!(texts(&log.verify_without_file().await), [forked]);
    }

    /// Seals changed, deleted, and signed by another key.
    async fn a_bad_seal_is_named(db: TestDb) {
        let log = log(db).await;
        let wrong = vec!["seal 2: not signed by a trusted key as it stands".to_owned()];
        let seals: Vec<_> = read_seals(&log.file()).unwrap().map(Result::unwrap).collect();
        let seal = &seals[1];

        log.raw(&raw::SEAL_SIGNATURE, params![&[1; 64], 2_i64]).await;
        assert_eq!(log.found().await, wrong);
        assert_eq!(texts(&log.verify_without_file().await), wrong);
        log.raw(&raw::SEAL_SIGNATURE, params![&seal.signature, 2_i64]).await;
        log.raw(&raw::SEAL_AT, params![seal.at.as_micros() + 1, 2_i64]).await;
        assert_eq!(log.found().await, wrong);
        log.raw(&raw::SEAL_AT, params![seal.at, 2_i64]).await;
        for bad in [[3; 32].as_slice(), &[], &[3; 31]] {
            log.raw(&raw::SEAL_ROOT, params![bad, 2_i64]).await;
            assert_eq!(texts(&log.verify_without_file().await), wrong);
        }
        log.raw(&raw::SEAL_ROOT, params![&seal.root, 2_i64]).await;
        log.raw(&raw::SEAL_CHANGED, params![b"".as_slice(), 2_i64]).await;
        assert_eq!(texts(&log.verify_without_file().await), wrong);
        // Another trusted key is no help, and without a trusted key nothing is proven.
        let stranger = vault::Vault::ephemeral(testkit::SeededChance::new(99)).unwrap().public_key();
        let report = audit::verify(&log.db, Some(read_seals(&log.file()).unwrap()), &[stranger]).await.unwrap();
        assert_eq!(texts(&report), ["seal 1: not signed by a trusted key as it stands"]);
        assert_eq!(report.unsealed, 60);

        log.raw(&raw::DELETE_SEAL, params![1_i64]).await;
        assert_eq!(log.found().await[0], "seal 1: deleted");
    }

    /// Heads changed or dropped.
    async fn a_wrong_head_is_named(db: TestDb) {
        let log = log(db).await;
        let (_, _, hash) = log.row(30, 25).await;
        log.raw(&raw::HEAD, params![25_i64, &hash, 30_i64]).await;
        log.raw(&raw::DROP_HEAD, params![7_i64]).await;
        assert_eq!(log.found().await, [
            "bucket 7, entry 21: cut off from here on".replace("entry 21: cut off from here on", "head: does not match the last entry"),
            "bucket 30, head: does not match the last entry".to_owned(),
        ]);
    }

    /// A head turned back to before the last seal gets no new signature.
    async fn a_cut_history_is_not_sealed_again(db: TestDb) {
        let log = log(db).await;
        log.cut_after(30, 15).await;
        log.db.clock().advance(MINUTE);
        let refused = audit::seal_now(&log.db, &log.vault, &log.file(), MINUTE).await.unwrap_err();
        assert!(matches!(refused, SealError::WentBack { bucket: 30 }), "{refused}");
        assert_eq!(line_count(&log.file()), 2);
    }

    /// The log is verified while it is written: that is not tampering.
    async fn writing_meanwhile_is_no_tampering(db: TestDb) {
        let log = log(db).await;
        let (writer, file, clock) = (log.db.db(), log.file(), log.db.clock().clone());
        let vault = log.vault.clone();
        let writing = tokio::spawn(async move {
            for _ in 0..60 {
                let entry = audit::Entry::by_customer(common::SIGNED_IN, common::account(7, 1));
                common::write(&writer, entry).await;
                clock.advance(MINUTE);
                audit::seal_now(&writer, &vault, &file, MINUTE).await.unwrap();
            }
        });
        let mut seen = HashSet::new();
        while !writing.is_finished() {
            let report = log.verify().await;
            assert_eq!(texts(&report), Vec::<String>::new());
            seen.insert(report.entries);
        }
        writing.await.unwrap();
        assert!(seen.len() > 1);
        assert_eq!(log.verify().await.entries, 120);
    }

    /// SU-6: the export proves itself to an auditor who has the public key and nothing else.
    async fn an_export_proves_itself(db: TestDb) {
        let log = log(db).await;
        let keys = [log.vault.public_key()];
        let (all, report) = exported(&log, Scope::All).await;
        assert!(report.is_clean());
        let checked = verify_export(all.as_bytes(), &keys).unwrap();
        assert_eq!(texts(&checked), Vec::<String>::new());
        assert_eq!((checked.entries, checked.seals, checked.unsealed), (60, 2, 20));
        let last = read_seals(&log.file()).unwrap().map(Result::unwrap).last().unwrap();
        assert_eq!(checked.sealed_until, Some(last.at));

        // For one account: its own ten entries; of the others nothing, not even who they were.
        let mine = common::account(7, 1);
        let (one, _) = exported(&log, Scope::Account(mine)).await;
        let checked = verify_export(one.as_bytes(), &keys).unwrap();
        assert_eq!((checked.entries, checked.seals, checked.problems.len()), (30, 2, 0));
        assert_eq!(one.lines().filter(|line| line.contains("\"entry\"")).count(), 9);
        for other in [common::account(7, 0), common::account(30, 1)] {
            assert!(!one.contains(&hex::encode(other.as_bytes())));
        }
        // Any line left out, any digit changed, any end cut off is found.
        for text in [&all, &one] {
            let lines: Vec<&str> = text.lines().collect();
            let last_seal = lines.iter().rposition(|line| line.starts_with("{\"seal\"")).unwrap();
            for skipped in 0..lines.len() {
                let mut fewer = lines.clone();
                fewer.remove(skipped);
                let found = verify_export((fewer.join("\n") + "\n").as_bytes(), &keys);
                assert!(found.is_err() || !found.unwrap().is_clean(), "line {skipped} left out");
                let end = lines.len() - 1;
                let honest_end = lines[end].replace(&end.to_string(), &(end - 1).to_string());
                if skipped < end {
                    let at = fewer.len() - 1;
                    fewer[at] = &honest_end;
                    let found = verify_export((fewer.join("\n") + "\n").as_bytes(), &keys);
                    // Only what is newer than a seal can be left out, and the report says up to when it is
                    // sealed.
                    assert!(skipped >= last_seal || found.is_err() || !found.unwrap().is_clean(), "line {skipped} left out");
                }
            }
            let sealed = text.rfind("{\"seal\"").unwrap() + lines[last_seal].len();
            for (at, _) in text[..sealed].match_indices(|c: char| c.is_ascii_digit()).step_by(97) {
                let mut changed = text.clone().into_bytes();
                changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
                let found = verify_export(changed.as_slice(), &keys);
                assert!(found.is_err() || !found.unwrap().is_clean(), "digit at {at} changed");
            }
        }
    }

    /// SU-6: what is not such a file, or more than one, is no export: each is named by its line.
    async fn only_a_whole_export_is_one(db: TestDb) {
        let log = log(db).await;
        let keys = [log.vault.public_key()];
        let (all, _) = exported(&log, Scope::All).await;
        let lines: Vec<&str> = all.lines().collect();
        let said = |lines: &[&str]| verify_export((lines.join("\n") + "\n").as_bytes(), &keys).unwrap_err().to_string();
        let start: serde_json::Value = serde_json::from_str(lines[0]).unwrap();
        let mut other = start.clone();
        other["start"]["format"] = "another-log".into();
        assert_ne!(start, other);
        let mut newer = start.clone();
        newer["start"]["version"] = 999.into();
        assert_ne!(start, newer);
        let (other, newer_start) = (other.to_string(), newer.to_string());
        assert!(said(&[&[other.as_str()], &lines[1..]].concat()).contains("line 1"));
        assert!(said(&[&[newer_start.as_str()], &lines[1..]].concat()).contains("line 1"));
        assert!(said(&lines[1..]).contains("line 1"), "without its beginning");
        let end = lines.len() + 1;
        for more in [lines[1], lines[0], lines[lines.len() - 1]] {
            let text = [lines.as_slice(), &[more]].concat();
            assert!(said(&text).contains(&format!("line {end}")), "something after the end");
        }
        let twice = [&lines[..5], &lines[..1], &lines[5..]].concat();
        assert!(said(&twice).contains("line 6"), "a second beginning");
        let entry = lines.iter().position(|line| line.starts_with("{\"entry\"")).unwrap();
        let mut outside: serde_json::Value = serde_json::from_str(lines[entry]).unwrap();
        outside["entry"]["bucket"] = 64.into();
        let mut text = lines.clone();
        let outside = outside.to_string();
        text[entry] = &outside;
        assert!(said(&text).contains(&format!("line {}", entry + 1)), "there are 64 buckets");
        // Nothing follows the last entry, so only its own line can tell.
        let last = lines.iter().rposition(|line| line.starts_with("{\"entry\"")).unwrap();
        let mut unreadable: serde_json::Value = serde_json::from_str(lines[last]).unwrap();
        unreadable["entry"]["event_id"] = "zz".into();
        let unreadable = unreadable.to_string();
        text = lines.clone();
        text[last] = &unreadable;
        let found = verify_export((text.join("\n") + "\n").as_bytes(), &keys);
        assert!(found.is_err() || !found.unwrap().is_clean());
    }

    /// An export of a log that was tampered with says so, and again when it is checked alone.
    async fn an_export_does_not_hide_tampering(db: TestDb) {
        let log = log(db).await;
        log.raw(&raw::SET_ACTION, params!["sign_in.refused", 7_i64, 14_i64]).await;
        let (all, report) = exported(&log, Scope::All).await;
        assert_eq!(texts(&report), ["bucket 7, entry 14: edited"]);
        let checked = verify_export(all.as_bytes(), &[log.vault.public_key()]).unwrap();
        assert!(!checked.is_clean());
    }
}

/// On SQLite text can be made that is not text: the entry is still named.
#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_entry_is_named() {
    let log = log(TestDb::sqlite().await).await;
    static BREAK: db::Statement = db::Statement::new(
        "test::BREAK",
        "UPDATE audit_entry SET action = CAST(X'FF' AS TEXT) WHERE bucket = $1 AND seq = $2",
        &[db::Kind::Int, db::Kind::Int],
        &[],
    );
    log.raw(&BREAK, params![7_i64, 16_i64]).await;
    log.raw(&BREAK, params![30_i64, 30_i64]).await;
    assert_eq!(
        log.found().await,
        ["bucket 7, entry 16: edited", "bucket 30, entry 30: edited"]
    );
}
