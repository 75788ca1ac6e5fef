//! What must not be seen: codes and tokens in the database, accounts by their answers, one person as two.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use identity_core::{challenge::Purpose, next_path::NextPath};
use identity_service::{
    account,
    codes::{Ask, Asked, Check},
    history, session,
    sign_in::Registered,
};
use kernel::{Email, Identifier, Phone, code::OneTimeCode};
use notify::Channel;
use testkit::TestDb;

use crate::{
    house::{ANNA, House, browser, phone, visitor},
    tools::{email, name, raw, wrong},
};

/// Everything the SQLite engine has written, its log included.
pub fn written(house: &House) -> Option<Vec<u8>> {
    let file = house.test.file()?;
    let folder = file.parent().unwrap();
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        all.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    Some(all)
}

pub fn holds(all: &[u8], secret: &str) -> bool {
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let base64 = STANDARD.encode(secret);
    let forms = [
        secret,
        &hex,
        &hex.to_uppercase(),
        base64.trim_end_matches('='),
    ];
    forms.iter().any(|form| {
        all.windows(form.len())
            .any(|window| window == form.as_bytes())
    })
}

/// An answer with its time as seconds from now.
fn told(house: &House, asked: &Asked) -> String {
    match asked {
        Asked::NotNow(not_now) => format!(
            "not now, {} s",
            not_now.until().since(house.now()).as_secs()
        ),
        other => format!("{other:?}"),
    }
}

/// What a stranger sees of one number: every answer and what the page of the code shows.
async fn seen(house: &House, number: &Identifier, first: u8) -> Vec<String> {
    let mut seen = Vec::new();
    for n in 0..2 {
        let browser = browser(first + n);
        for _ in 0..2 {
            seen.push(told(house, &house.ask(number, browser).await));
        }
        let code = house.code(number).await;
        for _ in 0..3 {
            seen.push(name(&house.verify(browser, &wrong(&code)).await));
        }
        let status = house.status(browser).await.unwrap();
        seen.push(format!(
            "{} {} {} {:?} {:?} {}",
            status.serial,
            status.digits,
            status.tries_left,
            status.next_at.map(|at| at.since(house.now())),
            status.rests_until.map(|at| at.since(house.now())),
            status.is_over
        ));
        house.wait(60);
    }
    let freezing = browser(first + 2);
    house.wait(60);
    seen.push(format!(
        "{:?}",
        house.ask_for(Purpose::Freeze, number, freezing).await
    ));
    let code = house.code(number).await;
    seen.push(format!(
        "{:?}",
        house.freeze_by(freezing, &wrong(&code)).await
    ));
    seen.push(format!("{:?}", house.freeze_by(freezing, &code).await));
    seen
}

/// One number, as people write it.
const NUMBERS: [&str; 25] = [
    "+79120000001",
    "89120000001",
    "8 (912) 000-00-01",
    "+7 (912) 000 00 01",
    "8-912-000-00-01",
    "+7\u{a0}912\u{a0}000\u{a0}00\u{a0}01",
    "＋７９１２００００００１",
    "８９１２００００００１",
    "9120000001",
    " +7 912 000-00-01 ",
    "7 912 000 00 01",
    "79120000001",
    "+7-912-000-00-01",
    "+7 912 0000001",
    "+7(912)0000001",
    "8(912)0000001",
    "(912) 000-00-01",
    "912 000 00 01",
    "912-000-00-01",
    "8 912 000 00 01",
    "8.912.000.00.01",
    "+7.912.000.00.01",
    "+7 912 000\u{2013}00\u{2013}01",
    "+7\u{2009}912\u{2009}0000001",
    "\t89120000001\n",
];

/// Pairs that are one mailbox, to its provider or to the standards.
const ADDRESSES: [(&str, &str); 25] = [
    ("anna@example.org", "Anna@Example.ORG"),
    ("anna@example.org", " anna@example.org "),
    ("anna@example.org", "ANNA@EXAMPLE.ORG"),
    ("anna@example.org", "anna@EXAMPLE.org"),
    ("anna@example.org", "anna@example.org\n"),
    ("anna@example.org", "aNNa@example.org"),
    ("anna@gmail.com", "a.n.n.a+shop@googlemail.com"),
    ("anna@gmail.com", "a.nna@gmail.com"),
    ("anna@gmail.com", "anna+x@gmail.com"),
    ("anna@gmail.com", "ANNA@GMAIL.COM"),
    ("anna@gmail.com", "anna@googlemail.com"),
    ("anna@gmail.com", "an.na+a.b@gmail.com"),
    ("anna@yandex.ru", "anna@ya.ru"),
    ("anna@yandex.ru", "Anna@Yandex.ru"),
    ("anna@yandex.ru", "anna@yandex.com"),
    ("anna@yandex.ru", "anna@yandex.by"),
    ("anna@yandex.ru", "anna@yandex.kz"),
    ("an-na@yandex.ru", "an.na@yandex.ru"),
    ("anna@yandex.ru", "anna+x@yandex.ru"),
    ("anna@xn--e1afmkfd.xn--p1ai", "anna@пример.рф"),
    ("anna@xn--e1afmkfd.xn--p1ai", "anna@ПРИМЕР.РФ"),
    ("anna@пример.рф", "Anna@Пример.рф"),
    ("anna@xn--e1afmkfd.xn--p1ai", "anna@XN--E1AFMKFD.XN--P1AI"),
    ("anna@bücher.example", "anna@xn--bcher-kva.example"),
    ("anna@bücher.example", "anna@bu\u{308}cher.example"),
];

/// Letters of another alphabet make another address, which nobody may take for the first.
const LOOK_ALIKES: [(&str, &str); 6] = [
    ("anna@example.org", "аnna@example.org"),
    ("anna@example.org", "anna@exаmple.org"),
    ("anna@example.org", "anna@exámple.org"),
    ("anna@example.org", "an\u{202e}na@example.org"),
    ("anna@example.org", "anna@examp1e.org"),
    ("anna@example.org", "anna@еxample.org"),
];

testkit::both_engines! {
    /// A18: after delivery a code is nowhere in the database, in no form; nor are tokens and links (A28).
    async fn no_code_is_in_the_database(db: TestDb) {
        let house = House::new(db);
        let (anna, mail) = (phone(ANNA), email("anna@example.org"));
        let welcome = house.enter(&anna, browser(1)).await;
        let who = house.signed_in(&welcome).await;
        house.add_email(&who, &mail).await;
        let mut secrets = vec![house.letter_code(&mail).await];
        for call in [false, true] {
            house.wait(120);
            house.ask_as(&visitor(), &anna, browser(2), call).await;
            secrets.push(if call { house.call_code(&anna, 6).await } else { house.code(&anna).await });
        }
        secrets.push(welcome.token.expose().splitn(3, '.').nth(2).unwrap().to_owned());
        let letter = &house.inbox(&mail, Channel::Email).await[0].text;
        let (_, link) = letter.split_once("/email/confirm/").unwrap();
        secrets.push(link.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect());
        for personal in ["+79120000001", "9120000001", "anna@example.org", "Firefox"] {
            secrets.push(personal.to_owned());
        }
        house.settled().await;
        let Some(all) = written(&house) else { return };
        assert!(holds(&all, "confirm_email"), "the search finds what is there");
        for secret in secrets {
            assert!(!holds(&all, &secret), "{} characters are in the file: {secret}", secret.len());
        }
    }

    /// A1, A7, ID-1: whoever asks about a number sees the same, whether or not an account is there.
    async fn strangers_see_no_accounts(db: TestDb) {
        let house = House::new(db);
        let (known, unknown) = (phone(ANNA), phone("+7 913 000-00-02"));
        house.enter(&known, browser(1)).await;
        house.wait(7_200);
        let of_known = seen(&house, &known, 10).await;
        let of_unknown = seen(&house, &unknown, 20).await;
        assert_eq!(of_known, of_unknown);
        assert!(of_known.len() > 10);
    }

    /// A1: an address with an account and one without: the same answers; one gets a code, the other a letter
    /// that says nobody is here.
    async fn strangers_see_no_addresses(db: TestDb) {
        let house = House::new(db);
        let (known, unknown) = (email("anna@example.org"), email("nobody@example.org"));
        let welcome = house.enter(&phone(ANNA), browser(1)).await;
        house.with_email(&house.signed_in(&welcome).await, &known).await;
        house.wait(7_200);
        let mut answers = Vec::new();
        for (n, address) in [(1, &known), (2, &unknown)] {
            let mut seen = vec![format!("{:?}", house.ask(address, browser(n)).await)];
            for tried in ["000000", "000001", "000002", "000003", "000004", "000005"] {
                seen.push(name(&house.verify(browser(n), tried).await));
            }
            assert_eq!(house.inbox(address, Channel::Email).await.iter().filter(|m| m.at == house.now() && !m.text.contains("/not-me/")).count(), 1);
            answers.push(seen);
        }
        assert_eq!(answers[0], answers[1]);
    }

    /// A7: a browser that never asked, one whose code is used up and one whose code was replaced get one answer.
    async fn the_dead_look_alike(db: TestDb) {
        let house = House::new(db);
        let anna = phone(ANNA);
        house.enter(&anna, browser(1)).await;
        house.wait(60);
        house.ask(&anna, browser(2)).await;
        house.wait(60);
        house.ask(&anna, browser(3)).await;
        for n in [1, 2, 4] {
            assert_eq!(name(&house.verify(browser(n), "123456").await), "Dead");
        }
    }

    /// A52: however a number or an address is written, it is one account.
    async fn spellings_are_one_account(db: TestDb) {
        let house = House::new(db);
        let welcome = house.enter(&phone(ANNA), browser(1)).await;
        for spelled in NUMBERS {
            let Ok(number) = Phone::parse(spelled) else { panic!("{spelled}") };
            assert_eq!(house.env.subject(&Identifier::Phone(number)), house.env.subject(&phone(ANNA)), "{spelled}");
        }
        for (one, other) in ADDRESSES {
            let subject = |text| house.env.subject(&Identifier::Email(Email::parse(text).unwrap()));
            assert_eq!(subject(one), subject(other), "{one} {other}");
        }
        assert!(NUMBERS.len() + ADDRESSES.len() >= 50);
        // What only looks alike is somebody else, or nobody.
        for (one, other) in LOOK_ALIKES {
            let Ok(other) = Email::parse(other) else { continue };
            let other = house.env.subject(&Identifier::Email(other));
            assert_ne!(house.env.subject(&email(one)), other, "{one}");
        }
        house.wait(60);
        let again = house.enter(&phone("8 (912) 000-00-01"), browser(2)).await;
        assert_eq!(again.account, welcome.account);
        assert_eq!(house.count(&raw::ACCOUNTS).await, 1);
    }

    /// A103: a number that is free again begins anew: another account, without a name, sessions, consents,
    /// letters or history of the one that had it before.
    async fn a_freed_number_inherits_nothing(db: TestDb) {
        let house = House::new(db);
        let (anna, mail) = (phone(ANNA), email("anna@example.org"));
        let before = house.enter(&anna, browser(1)).await;
        let who = house.signed_in(&before).await;
        house.with_email(&who, &mail).await;
        // What the deletion of an account (DE-2) leaves of the number: nothing that leads there.
        let subject = house.env.subject(&anna);
        house.write((subject, before.account), |tx, (_, (subject, account))| {
            Box::pin(async move {
                let row = db::params![subject, account.as_bytes()];
                Ok(tx.execute_one(&raw::FREE, row).await?)
            })
        }).await;
        house.wait(7_200);
        assert_eq!(house.ask(&anna, browser(2)).await, Asked::Sent);
        let code = house.code(&anna).await;
        assert_eq!(name(&house.verify(browser(2), &code).await), "needs consent", "nobody is known by this number");
        let Registered::In(after) = house.register(browser(2)).await else { panic!("not registered") };
        assert!(after.is_new && after.account != before.account && after.session != before.session);
        let now = house.signed_in(&after).await;
        let (owned, sessions, events) = house.act(&now, |tx, (env, who)| Box::pin(async move {
            let owned = account::identifiers(tx, &who.account).await?;
            let sessions = session::list(tx, env, who).await?.len();
            let events = history::page(tx, who, None, 100).await?.len();
            Ok((owned.len(), sessions, events))
        })).await;
        assert_eq!((owned, sessions), (1, 1), "the number alone, one device");
        assert!(events <= 3, "its own beginning and nothing else: {events}");
        assert_eq!(house.count(&raw::ACCOUNTS).await, 2);
    }

    /// A18: what is asked and what is typed prints no code, no link, no full identifier.
    async fn debug_shows_no_secret(db: TestDb) {
        let house = House::new(db);
        let ask = Ask {
            purpose: Purpose::ConfirmEmail,
            identifier: email("secret.person@example.org"),
            call: false,
            browser: [1; 32],
            known: None,
            next: NextPath::default(),
            link: Some("/email/confirm/TOPSECRET".to_owned()),
            about: None,
        };
        let check = Check { purpose: Purpose::SignIn, browser: [1; 32], known: None, code: OneTimeCode::parse("493817", 6).unwrap() };
        let welcome = house.enter(&phone(ANNA), browser(1)).await;
        let who = house.signed_in(&welcome).await;
        let printed = format!("{ask:?} {check:?} {who:?} {:?} {:?}", welcome.token, phone(ANNA));
        for secret in ["TOPSECRET", "493817", "secret.person", "9120000001"] {
            assert!(!printed.contains(secret), "{secret} in {printed}");
        }
    }
}
