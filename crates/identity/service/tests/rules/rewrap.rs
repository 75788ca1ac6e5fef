//! F19: a new master key takes the place of the old one without a moment in which anything does not open.

use std::path::PathBuf;

use identity_core::Policy;
use identity_service::{
    history, profile,
    rewrap::{self, Rewrap},
    sign_in::Welcome,
};
use jobs::Periodic as _;
use kernel::Identifier;
use testkit::TestDb;
use vault::{KeyFile, KeyFileError, KeyId, OsChance, RetireError};

use crate::{
    house::{House, browser, phone},
    tools::email,
};

/// A key file of its own for one test.
struct Keys {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Keys {
    fn new(house_now: kernel::Timestamp) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        KeyFile::create(&path, house_now, &OsChance).unwrap();
        Self {
            _folder: folder,
            path,
        }
    }

    fn file(&self) -> KeyFile {
        KeyFile::open(&self.path).unwrap()
    }

    fn masters(&self) -> Vec<KeyId> {
        self.file().ring().masters().map(|(id, _)| id).collect()
    }

    /// A server started with the file as it is now.
    fn serve(&self, db: TestDb) -> House {
        let chance = db.chance().clone();
        House::locked(db, Policy::default(), self.file().vault(chance).unwrap())
    }
}

async fn count(house: &House, master: KeyId) -> u64 {
    house
        .test
        .read("test.count", master, |tx, master| {
            Box::pin(rewrap::count(tx, *master))
        })
        .await
        .unwrap_or_else(|error: db::DbError| panic!("{error}"))
}

fn number(n: u8) -> Identifier {
    phone(&format!("+7 912 000-00-{n:02}"))
}

/// Everything about a person opens: session, identifiers, history, and a new sign-in.
async fn opens(house: &House, n: u8, welcome: &Welcome) {
    let who = house.signed_in(welcome).await;
    let events = house
        .act(&who, |tx, (_, who)| {
            Box::pin(async move { history::page(tx, who, None, 100).await })
        })
        .await;
    assert!(
        events
            .iter()
            .any(|event| event.action == "account.created" && event.network.is_some())
    );
    house
        .act(&who, |tx, (_, who)| {
            Box::pin(async move { profile::load(tx, &who.account).await })
        })
        .await;
    house.wait(3_600);
    let again = house.enter(&number(n), browser(n + 100)).await;
    assert_eq!(again.account, welcome.account);
}

testkit::both_engines! {
    /// F19, ID-14: rotate, go on, rewrap in steps that are interrupted, retire: everything opens all the while,
    /// and afterwards without the old master.
    async fn a_new_master_takes_over(db: TestDb) {
        let keys = Keys::new(kernel::Clock::now(&**db.clock()));
        let house = keys.serve(db);
        let old = keys.masters()[0];
        let mut people = Vec::new();
        for n in 1..=5 {
            people.push(house.enter(&number(n), browser(n)).await);
            house.wait(60);
        }
        house.with_email(&house.signed_in(&people[0]).await, &email("anna@example.org")).await;
        house.settled().await;
        assert_eq!(count(&house, old).await, 5);

        let new = keys.file().rotate(house.now(), &OsChance).unwrap();
        let house = keys.serve(house.test);
        people.push(house.enter(&number(6), browser(6)).await);
        opens(&house, 1, &people[0]).await;
        assert_eq!((count(&house, old).await, count(&house, new).await), (5, 1));
        let early = keys.file().retire(old, count(&house, old).await);
        let Err(KeyFileError::Retire(why)) = early else { panic!("retired too early") };
        assert_eq!(why, RetireError::StillInUse { id: old, count: 5 });
        assert_eq!(keys.masters(), [old, new]);

        // A server that stops after one step, then one that begins anew.
        let db = house.test.db();
        let stopped = Rewrap::in_steps(&db, &house.env.vault, 2, 1);
        assert_eq!(stopped.run_once().await.unwrap(), 2);
        assert_eq!((count(&house, old).await, count(&house, new).await), (3, 3));
        let house = keys.serve(house.test);
        for (n, welcome) in (1..).zip(&people) {
            assert!(house.who(&welcome.token).await.is_some(), "{n}");
        }
        let rest = Rewrap::in_steps(&db, &house.env.vault, 2, 100);
        assert_eq!(rest.run_once().await.unwrap(), 3);
        assert_eq!(rest.run_once().await.unwrap(), 0, "done once");
        rest.run().await.unwrap();
        assert_eq!((count(&house, old).await, count(&house, new).await), (0, 6));

        keys.file().retire(old, count(&house, old).await).unwrap();
        assert_eq!(keys.masters(), [new]);
        let house = keys.serve(house.test);
        for (n, welcome) in (1..).zip(&people) {
            opens(&house, n, welcome).await;
        }
        house.settled().await;
    }

    /// F11: two servers that rewrap at once do each key once, and lose none.
    async fn two_servers_at_once(db: TestDb) {
        let keys = Keys::new(kernel::Clock::now(&**db.clock()));
        let house = keys.serve(db);
        let old = keys.masters()[0];
        for n in 1..=6 {
            house.enter(&number(n), browser(n)).await;
            house.wait(60);
        }
        house.settled().await;
        keys.file().rotate(house.now(), &OsChance).unwrap();
        let house = keys.serve(house.test);
        let (one, other) = (house.test.db(), house.test.db());
        let (one, other) = (Rewrap::in_steps(&one, &house.env.vault, 2, 9), Rewrap::in_steps(&other, &house.env.vault, 3, 9));
        let (first, second) = tokio::join!(one.run_once(), other.run_once());
        let left = one.run_once().await.unwrap();
        assert_eq!(first.unwrap() + second.unwrap() + left, 6);
        assert_eq!(count(&house, old).await, 0);
        house.settled().await;
    }
}
