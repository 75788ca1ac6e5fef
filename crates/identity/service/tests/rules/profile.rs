//! ID-10, ID-11, ID-14: personal data, levels, history.

use std::sync::Arc;

use identity_core::{
    account::{Level, Missing},
    profile::{Applied, Change, Name, Passport},
};
use identity_service::{
    history,
    profile::{self, Standing},
    session::SignedIn,
};
use notify::Channel;
use testkit::TestDb;

use crate::{
    house::{ANNA, House, browser, phone, visitor},
    tools::email,
};

fn named(surname: &str) -> Change {
    Change::Name(Name {
        surname: surname.into(),
        given: "Анна".into(),
        patronymic: None,
    })
}

impl House {
    async fn change(&self, who: &Arc<SignedIn>, change: Change) -> Applied {
        self.write((Arc::clone(who), change), |tx, (env, (who, change))| {
            Box::pin(async move { profile::change(tx, env, &visitor(), who, change).await })
        })
        .await
    }

    async fn standing(&self, who: &Arc<SignedIn>) -> Standing {
        self.test
            .read("test.standing", Arc::clone(who), |tx, who| {
                Box::pin(profile::standing(tx, &who.account))
            })
            .await
            .unwrap()
    }
}

testkit::both_engines! {
    /// ID-10: what is empty is filled; what is there waits for a check (ID-15); the same again is nothing. Each
    /// change is told of and stands in the history.
    async fn fields_fill_once_and_then_wait(db: TestDb) {
        let house = House::new(db);
        let anna = phone(ANNA);
        let who = house.signed_in(&*house.enter(&anna, browser(1)).await).await;
        assert_eq!(house.change(&who, named("Образцова")).await, Applied::Accepted);
        assert_eq!(house.change(&who, named("Образцова")).await, Applied::Same);
        assert_eq!(house.change(&who, named("Иная")).await, Applied::Waits);
        let standing = house.standing(&who).await;
        assert_eq!(standing.profile.name.as_ref().unwrap().surname, "Образцова");
        assert_eq!(standing.profile.waiting.len(), 1);
        assert_eq!(house.notices(&anna, Channel::Sms).await.len(), 2);
        house.settled().await;
    }

    /// ID-4, ID-11: limited, then protected, then identified; each time what is missing is named, and the level
    /// is kept with the account.
    async fn levels_are_climbed(db: TestDb) {
        let house = House::new(db);
        let welcome = house.enter(&phone(ANNA), browser(1)).await;
        let who = house.signed_in(&welcome).await;
        let level = async || house.who(&welcome.token).await.unwrap().account.level;
        assert_eq!(house.standing(&who).await.missing, [Missing::Name, Missing::Email]);
        house.with_email(&who, &email("anna@example.org")).await;
        assert_eq!((level().await, house.standing(&who).await.missing), (Level::Limited, vec![Missing::Name]));
        house.change(&who, named("Образцова")).await;
        assert_eq!(level().await, Level::Protected);
        assert_eq!(house.standing(&who).await.missing, [Missing::BirthDate, Missing::Passport, Missing::InnOrSnils]);
        house.change(&who, Change::Birth { date: "1990-05-17".into(), place: "г. Тверь".into() }).await;
        house.change(&who, Change::Passport(Passport {
            number: "2810123456".into(),
            issued_on: "2010-06-01".into(),
            issuer: "ОУФМС".into(),
            department: "690-001".into(),
        })).await;
        assert_eq!(level().await, Level::Protected);
        house.change(&who, Change::Snils { snils: "11223344595".into() }).await;
        assert_eq!(level().await, Level::Identified);
        assert!(house.standing(&who).await.missing.is_empty());
        house.settled().await;
    }

    /// ID-10: 16 changes of different tabs at once; none is lost.
    async fn changes_at_once_are_all_kept(db: TestDb) {
        let house = Arc::new(House::new(db));
        let who = house.signed_in(&*house.enter(&phone(ANNA), browser(1)).await).await;
        let changes = [
            named("Образцова"),
            Change::Address { address: "г. Тверь".into() },
            Change::Inn { inn: "500100732259".into() },
            Change::Snils { snils: "11223344595".into() },
        ];
        testkit::race(16, |n| {
            let (house, who, change) = (Arc::clone(&house), Arc::clone(&who), changes[n % 4].clone());
            async move { house.change(&who, change).await }
        }).await;
        let profile = house.standing(&who).await.profile;
        assert!(profile.name.is_some() && profile.address.is_some() && profile.inn.is_some() && profile.snils.is_some());
        assert!(profile.waiting.is_empty());
        house.settled().await;
    }

    /// ID-14: the owner sees every security event with time, device and place; nobody else's.
    async fn history_tells_everything(db: TestDb) {
        let house = House::new(db);
        let anna = phone(ANNA);
        let who = house.signed_in(&*house.enter(&anna, browser(1)).await).await;
        house.enter(&phone("+7 913 000-00-02"), browser(3)).await;
        house.wait(60);
        house.enter(&anna, browser(2)).await;
        house.change(&who, named("Образцова")).await;
        let page = async |before: Option<i64>, limit: u8| {
            house.test.read("test.history", (Arc::clone(&who), before, limit), |tx, (who, before, limit)| {
                Box::pin(history::page(tx, who, *before, *limit))
            }).await.unwrap()
        };
        let events = page(None, 100).await;
        let actions: Vec<_> = events.iter().map(|event| event.action.as_str()).collect();
        assert_eq!(actions, ["profile.changed", "sign_in.succeeded", "sign_in.succeeded", "account.created"]);
        for event in &events {
            assert_eq!(event.network, Some(visitor().network));
            assert!(event.agent.as_ref().unwrap().contains("Firefox"));
        }
        assert_eq!(events[1].facts["method"], "sms");
        assert_eq!((events[1].facts["new_browser"].as_str(), events[2].facts["new_browser"].as_str()), ("yes", "no"));
        let first = page(None, 2).await;
        let rest = page(Some(first[1].seq), 2).await;
        let all: Vec<_> = first.iter().chain(&rest).map(|event| event.seq).collect();
        assert_eq!(all, events.iter().map(|event| event.seq).collect::<Vec<_>>(), "page by page");
    }
}
