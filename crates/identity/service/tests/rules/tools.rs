//! What the themes share, beside the house.

use std::{iter::Empty, sync::Arc};

use identity_core::{challenge::Purpose, next_path::NextPath};
use identity_service::{
    ServiceError,
    codes::{self, Ask, Asked, Check, Status},
    email::{self, Added},
    freeze::{self, ByCode},
    link::LinkToken,
    session::SignedIn,
    sign_in::{Verified, Welcome},
};
use kernel::{Clock as _, Email, Identifier, Timestamp, Visitor, code::OneTimeCode};
use notify::{Channel, simulated::Simulated};

use crate::house::{Browser, House, visitor};

/// Looks at the tables from outside.
pub mod raw {
    db::statements! {
        /// Sessions there are.
        SESSIONS: "SELECT COUNT(*) FROM session" () -> (Int);
        /// Accounts there are.
        ACCOUNTS: "SELECT COUNT(*) FROM account" () -> (Int);
        /// Identifiers there are.
        IDENTIFIERS: "SELECT COUNT(*) FROM identifier" () -> (Int);
        /// Codes there are.
        CODES: "SELECT COUNT(*) FROM challenge" () -> (Int);
        /// Tries of all codes.
        TRIES: "SELECT CAST(COALESCE(SUM(tries), 0) AS BIGINT) FROM challenge" () -> (Int);
        /// Tries of the code that was tried most.
        TRIES_MOST: "SELECT CAST(COALESCE(MAX(tries), 0) AS BIGINT) FROM challenge" () -> (Int);
        /// Codes used.
        USED: "SELECT COUNT(*) FROM challenge WHERE used_at IS NOT NULL" () -> (Int);
        /// Codes neither used nor replaced.
        UNENDED: "SELECT COUNT(*) FROM challenge WHERE used_at IS NULL AND voided_at IS NULL" () -> (Int);
        /// Wrong tries in a row, the most of all identifiers.
        IN_ROW: "SELECT CAST(COALESCE(MAX(wrong_in_row), 0) AS BIGINT) FROM code_subject" () -> (Int);
        /// Identifiers counted.
        SUBJECTS: "SELECT COUNT(*) FROM code_subject" () -> (Int);
        /// Ranges counted.
        RANGES: "SELECT COUNT(*) FROM code_range" () -> (Int);
        /// Answers kept under keys.
        ANSWERS: "SELECT COUNT(*) FROM idempotency" () -> (Int);
        /// Networks counted.
        NETWORKS: "SELECT COUNT(*) FROM code_network" () -> (Int);
        /// Flows there are.
        FLOWS: "SELECT COUNT(*) FROM code_flow" () -> (Int);
        /// Messages there are.
        MESSAGES: "SELECT COUNT(*) FROM message" () -> (Int);
        /// Jobs not yet done.
        JOBS: "SELECT COUNT(*) FROM job" () -> (Int);
        /// Takes an identifier from its account.
        FREE: "DELETE FROM identifier WHERE subject = $1 AND account_id = $2" (Bytes, Bytes) -> ();
        /// Holds one identifier.
        HOLD: "SELECT subject FROM code_subject WHERE subject = $1{lock}" (Bytes) -> (Bytes);
    }
}

/// A code that is not this one.
pub fn wrong(code: &str) -> String {
    let (head, last) = code.split_at(code.len() - 1);
    format!("{head}{}", (last.parse::<u8>().unwrap() + 1) % 10)
}

/// Whether two codes of six are the same is chance; a wrong code that no message carried.
pub fn email(text: &str) -> Identifier {
    Identifier::Email(Email::parse(text).unwrap())
}

/// A browser after it has signed in: its sitting has ended, its long-lived token stays.
pub fn after(browser: Browser, welcome: &Welcome) -> Browser {
    let fresh = welcome.browser.as_ref().map(vault::Token::hash);
    Browser {
        known: fresh.or(browser.known),
        ..browser
    }
}

/// The token of the first link with this path in a text.
pub fn link(text: &str, path: &str) -> Option<LinkToken> {
    let (_, rest) = text.split_once(path)?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
    LinkToken::from_text(&rest[..end.unwrap_or(rest.len())])
}

fn six(text: &str) -> Option<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .find(|word| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit()))
}

impl House {
    pub async fn count(&self, statement: &'static db::Statement) -> i64 {
        self.test
            .read("test.count", statement, |tx, statement| {
                Box::pin(async move { tx.query_one(statement, db::params![]).await?.int(0) })
            })
            .await
            .unwrap_or_else(|error: db::DbError| panic!("{error}"))
    }

    pub fn now(&self) -> Timestamp {
        self.test.clock().now()
    }

    pub async fn deliver(&self) {
        while self.runner.run_due().await > 0 {}
    }

    /// Messages to an identifier by one channel, newest first.
    pub async fn inbox(&self, to: &Identifier, channel: Channel) -> Vec<Simulated> {
        self.deliver().await;
        let all = self.phone.messages();
        all.into_iter()
            .filter(|m| m.to == to.as_str() && m.channel == channel)
            .collect()
    }

    /// Notices with a «это не я» link, newest first.
    pub async fn notices(&self, to: &Identifier, channel: Channel) -> Vec<LinkToken> {
        let inbox = self.inbox(to, channel).await;
        inbox
            .iter()
            .filter_map(|message| link(&message.text, "/not-me/"))
            .collect()
    }

    /// The code of the newest letter that has one.
    pub async fn letter_code(&self, to: &Identifier) -> String {
        let inbox = self.inbox(to, Channel::Email).await;
        let found = inbox
            .iter()
            .find_map(|message| six(&message.text).map(str::to_owned));
        found.expect("a letter with a code")
    }

    /// The code of the newest call.
    pub async fn call_code(&self, to: &Identifier, digits: usize) -> String {
        let inbox = self.inbox(to, Channel::Call).await;
        let number = &inbox.first().expect("a call").text;
        number[number.len() - digits..].to_owned()
    }

    pub async fn ask_for(&self, purpose: Purpose, to: &Identifier, browser: Browser) -> Asked {
        let ask = Ask {
            purpose,
            identifier: to.clone(),
            call: false,
            browser: browser.key,
            known: browser.known,
            next: NextPath::default(),
            link: None,
            about: None,
        };
        self.write(ask, |tx, (env, ask)| {
            Box::pin(async move { codes::ask(tx, env, &visitor(), ask).await })
        })
        .await
    }

    /// Asks as soon as it is allowed.
    pub async fn ask_in_time(&self, who: &Visitor, to: &Identifier, browser: Browser) {
        loop {
            match self.ask_as(who, to, browser, false).await {
                Asked::Sent => return,
                Asked::NotNow(not_now) => self.test.clock().set(not_now.until()),
                other => panic!("{other:?}"),
            }
        }
    }

    /// Enters as soon as it is allowed.
    pub async fn enter_in_time(&self, to: &Identifier, browser: Browser) -> Box<Welcome> {
        self.ask_in_time(&visitor(), to, browser).await;
        let code = match to {
            Identifier::Phone(_) => self.code(to).await,
            Identifier::Email(_) => self.letter_code(to).await,
        };
        match self.verify(browser, &code).await {
            Verified::In(welcome) => welcome,
            Verified::NeedsConsent => match self.register(browser).await {
                identity_service::sign_in::Registered::In(welcome) => welcome,
                _ => panic!("not registered"),
            },
            other => panic!("{}", name(&other)),
        }
    }

    pub async fn status(&self, browser: Browser) -> Option<Status> {
        let input = (self.env.clone(), browser.key);
        self.test
            .read("test.status", input, |tx, (env, key)| {
                Box::pin(codes::status(tx, env, Purpose::SignIn, key))
            })
            .await
            .unwrap()
    }

    pub async fn freeze_by(&self, browser: Browser, code: &str) -> ByCode {
        let check = Check {
            purpose: Purpose::Freeze,
            browser: browser.key,
            known: None,
            code: OneTimeCode::parse(code, code.len()).unwrap(),
        };
        self.write(check, |tx, (env, check)| {
            Box::pin(async move { freeze::by_code(tx, env, &visitor(), check).await })
        })
        .await
    }

    pub async fn signed_in(&self, welcome: &Welcome) -> Arc<SignedIn> {
        Arc::new(self.who(&welcome.token).await.expect("a live session"))
    }

    pub async fn add_email(&self, who: &Arc<SignedIn>, to: &Identifier) -> Added {
        let Identifier::Email(address) = to else {
            panic!("an address")
        };
        let input = (Arc::clone(who), address.clone());
        self.write(input, |tx, (env, (who, address))| {
            Box::pin(async move { email::add(tx, env, &visitor(), who, address).await })
        })
        .await
    }

    pub async fn confirm_email(&self, who: &Arc<SignedIn>, code: &str) -> email::Confirmed {
        let input = (Arc::clone(who), OneTimeCode::parse(code, 6).unwrap());
        self.write(input, |tx, (env, (who, code))| {
            Box::pin(async move { email::confirm(tx, env, &visitor(), who, code).await })
        })
        .await
    }

    /// Adds an address and confirms it by code.
    pub async fn with_email(&self, who: &Arc<SignedIn>, to: &Identifier) {
        assert_eq!(self.add_email(who, to).await, Added::Asked(Asked::Sent));
        let code = self.letter_code(to).await;
        assert_eq!(self.confirm_email(who, &code).await, email::Confirmed::Done);
    }

    /// After a whole path: the log verifies (I5) and no work is left or dead (I7).
    pub async fn settled(&self) {
        self.deliver().await;
        type NoSeals = Empty<Result<audit::Seal, audit::SealFileError>>;
        let report = audit::verify(&self.test.db(), None::<NoSeals>, &[])
            .await
            .unwrap();
        assert!(report.is_clean(), "{report}");
        let counts = self
            .test
            .read("test.jobs", (), |tx, ()| Box::pin(jobs::counts(tx)))
            .await
            .unwrap_or_else(|error: db::DbError| panic!("{error}"));
        assert_eq!((counts.unfinished(), counts.dead), (0, 0));
    }

    /// A change in the name of somebody signed in.
    pub async fn act<T, F>(&self, who: &Arc<SignedIn>, f: F) -> T
    where
        T: Send + 'static,
        F: for<'t> Fn(
                &'t mut db::WriteTx,
                &'t (identity_service::Env, Arc<SignedIn>),
            ) -> db::BoxFuture<'t, Result<T, ServiceError>>
            + Send
            + Sync
            + 'static,
    {
        self.write(Arc::clone(who), f).await
    }
}

/// What an answer is, without what is in it.
pub fn name(verified: &Verified) -> String {
    match verified {
        Verified::In(_) => "in".to_owned(),
        Verified::NeedsConsent => "needs consent".to_owned(),
        Verified::NeedsSecond => "needs second".to_owned(),
        Verified::NotAccepted(why) => format!("{why:?}"),
        Verified::Refused(why) => format!("{why:?}"),
    }
}
