//! Sample customers: invented people at the three levels of identity, with devices and some weeks of history.
//!
//! They come about the way everybody does, through the use cases: each asks for codes and reads them from a
//! simulated phone. Only the clock is not the demo's but one that begins six weeks ago.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use db::{BoxFuture, Db, WriteTx};
use identity_core::challenge::Purpose;
use identity_core::consent::{MarketingChannel, Source, Topic};
use identity_core::next_path::NextPath;
use identity_core::profile::{Change, Name, Passport};
use identity_service::codes::{self, Ask, Asked, Check};
use identity_service::session::{self, SessionToken, SignedIn};
use identity_service::sign_in::{self, Register, Registered, Verified};
use identity_service::{Env, ServiceError, consent, email, profile};
use kernel::code::OneTimeCode;
use kernel::{Chance, Clock, Email, Identifier, Locale, Phone, Timestamp, Visitor};
use notify::simulated::SimulatedPhone;
use vault::Token;

use crate::failure::Failure;
use crate::house::{self, House};
use crate::progress;
use crate::wiring::{self, carriers::Carriers, work};

/// How long ago the first of them came.
const BEGAN_AGO: Duration = Duration::from_secs(42 * 24 * 3_600);
const CODE_DIGITS: usize = 6;

const CHROME_ANDROID: &str = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36";
const SAFARI_IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1";
const FIREFOX_LINUX: &str =
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
const YANDEX_WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 YaBrowser/25.10.0.0 Safari/537.36";

/// The numbers of the sample customers; [`crate::demo_views::Customer`] shows them.
const PHONES: [&str; 3] = ["+79000000001", "+79000000002", "+79000000003"];

/// The past, told step by step.
struct PastClock(AtomicI64);

impl PastClock {
    fn pass(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(0);
        self.0.fetch_add(micros, Ordering::AcqRel);
    }
}

impl Clock for PastClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Acquire))
    }
}

/// Somebody's browser: where it is, what it calls itself, its two tokens.
struct Browser {
    visitor: Visitor,
    key: [u8; 32],
    known: Option<[u8; 32]>,
}

/// The stage on which the customers' past is played.
struct Past {
    db: Db,
    env: Env,
    clock: Arc<PastClock>,
    phone: SimulatedPhone,
    runner: jobs::Runner,
}

/// Makes the sample customers in a database that nobody has used.
pub(super) async fn seed(house: &House) -> Result<(), Failure> {
    let bar = progress::bar("sample customers", 3);
    let past = Past::open(house).await?;
    past.shopper().await?;
    bar.inc(1);
    past.regular().await?;
    bar.inc(1);
    past.newcomer().await?;
    bar.finish_and_clear();
    past.db.close();
    Ok(())
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::failed(format!("the sample customers could not be made: {error}"))
}

impl Past {
    async fn open(house: &House) -> Result<Self, Failure> {
        let began = house.clock.now().saturating_sub(BEGAN_AGO);
        let clock = Arc::new(PastClock(AtomicI64::new(began.as_micros())));
        let place = house::database(&house.settings)?;
        let db = Db::open(place, Arc::clone(&clock) as Arc<dyn Clock>)
            .await
            .map_err(failed)?;
        let mut then = house.clone();
        then.db = db.clone();
        then.clock = Arc::clone(&clock) as Arc<dyn Clock>;
        let phone = SimulatedPhone::new(Arc::clone(&then.clock), None);
        let env = wiring::wire(&then, true)?.env;
        let runner = work::runner(&then, &env, Carriers::simulated(&phone).ways())?;
        Ok(Self {
            db,
            env,
            clock,
            phone,
            runner,
        })
    }

    /// Came a day or two ago: a phone and nothing more.
    async fn newcomer(&self) -> Result<(), Failure> {
        let [phone, ..] = PHONES;
        self.clock.pass(days(4));
        let mut browser = self.browser([203, 0, 113, 41], CHROME_ANDROID);
        self.enter(phone, &mut browser).await?;
        Ok(())
    }

    /// Shops: a name, a mailbox, two devices, some offers.
    async fn shopper(&self) -> Result<(), Failure> {
        let [_, phone, _] = PHONES;
        self.clock.pass(days(3));
        let mut iphone = self.browser([198, 51, 100, 17], SAFARI_IPHONE);
        let who = self.enter(phone, &mut iphone).await?;
        self.change(&iphone, &who, Change::Name(name("Соколова", "Мария", None)))
            .await?;
        self.confirm_email(&iphone, &who, "maria.sokolova@example.com")
            .await?;
        let on = vec![
            (MarketingChannel::Email, Topic::Offers),
            (MarketingChannel::Push, Topic::Personal),
        ];
        let input = (iphone.visitor.clone(), who, on);
        self.write(input, |tx, (env, (visitor, who, on))| {
            Box::pin(async move {
                let cmd = consent::SetSubscriptions {
                    on: on.clone(),
                    source: Source::Cabinet,
                };
                consent::set(tx, env, visitor, who, &cmd).await
            })
        })
        .await?;
        self.clock.pass(days(9));
        let mut laptop = self.browser([198, 51, 100, 17], YANDEX_WINDOWS);
        self.enter(phone, &mut laptop).await?;
        Ok(())
    }

    /// Has been here longest: identified, three devices, one of them ended, a wrong code on the way.
    async fn regular(&self) -> Result<(), Failure> {
        let [.., phone] = PHONES;
        self.clock.pass(days(2));
        let mut android = self.browser([192, 0, 2, 77], CHROME_ANDROID);
        let who = self.enter(phone, &mut android).await?;
        self.change(
            &android,
            &who,
            Change::Name(name("Иванов", "Алексей", Some("Петрович"))),
        )
        .await?;
        self.confirm_email(&android, &who, "alexey.ivanov@example.com")
            .await?;
        self.clock.pass(days(1));
        for change in papers() {
            self.change(&android, &who, change).await?;
        }
        self.clock.pass(days(12));
        let mut hotel = self.browser([203, 0, 113, 200], YANDEX_WINDOWS);
        let left_behind = self.enter(phone, &mut hotel).await?;
        self.clock.pass(days(1));
        let input = (android.visitor.clone(), who, left_behind.session);
        self.write(input, |tx, (_, (visitor, who, session))| {
            Box::pin(session::end(tx, visitor, who, *session))
        })
        .await?;
        self.clock.pass(days(8));
        let mut desktop = self.browser([192, 0, 2, 77], FIREFOX_LINUX);
        self.ask(phone, &desktop).await?;
        self.check(&desktop, "000000").await?;
        self.clock.pass(Duration::from_secs(30));
        let code = self.code(phone)?;
        self.come_in(&mut desktop, &code).await?;
        Ok(())
    }

    fn browser(&self, address: [u8; 4], agent: &str) -> Browser {
        let visitor = Visitor {
            network: IpAddr::from(address),
            agent: agent.to_owned(),
            locale: Locale::Ru,
        };
        let chance: &dyn Chance = &*self.env.chance;
        Browser {
            visitor,
            key: chance.bytes(),
            known: None,
        }
    }

    /// Asks for a code, reads it, enters it, and consents when that is asked.
    async fn enter(&self, phone: &str, browser: &mut Browser) -> Result<Arc<SignedIn>, Failure> {
        self.ask(phone, browser).await?;
        let code = self.code(phone)?;
        self.clock.pass(Duration::from_secs(20));
        self.come_in(browser, &code).await
    }

    async fn ask(&self, phone: &str, browser: &Browser) -> Result<(), Failure> {
        // Longer than the longest pause between codes.
        self.clock.pass(Duration::from_secs(2 * 3_600));
        let phone = Phone::parse(phone).map_err(failed)?;
        let ask = Ask {
            purpose: Purpose::SignIn,
            identifier: Identifier::Phone(phone),
            call: false,
            browser: browser.key,
            known: browser.known,
            next: NextPath::default(),
            link: None,
            about: None,
        };
        let input = (browser.visitor.clone(), ask);
        let asked = self
            .write(input, |tx, (env, (visitor, ask))| {
                Box::pin(codes::ask(tx, env, visitor, ask))
            })
            .await?;
        if asked != Asked::Sent {
            return Err(failed("a code was not sent"));
        }
        self.carry_out().await;
        Ok(())
    }

    /// Lets every message go out.
    async fn carry_out(&self) {
        while self.runner.run_due().await > 0 {}
    }

    /// The code in the newest message to somebody.
    fn code(&self, to: &str) -> Result<String, Failure> {
        let messages = self.phone.messages();
        let text = messages
            .iter()
            .find(|message| message.to == to)
            .map(|message| message.text.as_str());
        text.and_then(code_in)
            .ok_or_else(|| failed("a message without a code"))
    }

    async fn check(&self, browser: &Browser, code: &str) -> Result<Verified, Failure> {
        let check = Check {
            purpose: Purpose::SignIn,
            browser: browser.key,
            known: browser.known,
            code: OneTimeCode::parse(code, CODE_DIGITS).map_err(failed)?,
        };
        let input = (browser.visitor.clone(), check);
        self.write(input, |tx, (env, (visitor, check))| {
            Box::pin(sign_in::verify(tx, env, visitor, check))
        })
        .await
    }

    async fn come_in(&self, browser: &mut Browser, code: &str) -> Result<Arc<SignedIn>, Failure> {
        let welcome = match self.check(browser, code).await? {
            Verified::In(welcome) => welcome,
            Verified::NeedsConsent => self.register(browser).await?,
            _ => return Err(failed("a code was not accepted")),
        };
        browser.known = welcome.browser.as_ref().map(Token::hash).or(browser.known);
        // Notices go out at once.
        self.carry_out().await;
        self.who(welcome.token).await
    }

    async fn register(&self, browser: &Browser) -> Result<Box<sign_in::Welcome>, Failure> {
        let cmd = Register {
            browser: browser.key,
            known: browser.known,
            personal_data: true,
            marketing: Vec::new(),
            source: Source::Registration,
        };
        let input = (browser.visitor.clone(), cmd);
        let registered = self
            .write(input, |tx, (env, (visitor, cmd))| {
                Box::pin(sign_in::register(tx, env, visitor, cmd))
            })
            .await?;
        match registered {
            Registered::In(welcome) => Ok(welcome),
            _ => Err(failed("an account was not made")),
        }
    }

    async fn who(&self, token: SessionToken) -> Result<Arc<SignedIn>, Failure> {
        let input = (self.env.clone(), token);
        let found: Result<_, ServiceError> = self
            .db
            .read("demo.who", input, |tx, (env, token)| {
                Box::pin(session::find(tx, env, token))
            })
            .await;
        found
            .map_err(failed)?
            .map(Arc::new)
            .ok_or_else(|| failed("a session is not there"))
    }

    async fn change(
        &self,
        browser: &Browser,
        who: &Arc<SignedIn>,
        change: Change,
    ) -> Result<(), Failure> {
        self.clock.pass(Duration::from_secs(90));
        let input = (browser.visitor.clone(), who.clone(), change);
        self.write(input, |tx, (env, (visitor, who, change))| {
            Box::pin(profile::change(tx, env, visitor, who, change))
        })
        .await?;
        self.carry_out().await;
        Ok(())
    }

    async fn confirm_email(
        &self,
        browser: &Browser,
        who: &Arc<SignedIn>,
        text: &str,
    ) -> Result<(), Failure> {
        let address = Email::parse(text).map_err(failed)?;
        let input = (browser.visitor.clone(), who.clone(), address);
        self.write(input, |tx, (env, (visitor, who, address))| {
            Box::pin(email::add(tx, env, visitor, who, address))
        })
        .await?;
        self.carry_out().await;
        self.clock.pass(Duration::from_secs(40));
        let code = OneTimeCode::parse(&self.code(text)?, CODE_DIGITS).map_err(failed)?;
        let input = (browser.visitor.clone(), who.clone(), code);
        self.write(input, |tx, (env, (visitor, who, code))| {
            Box::pin(email::confirm(tx, env, visitor, who, code))
        })
        .await?;
        self.carry_out().await;
        Ok(())
    }

    async fn write<C, T, F>(&self, input: C, use_case: F) -> Result<T, Failure>
    where
        C: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'t> Fn(&'t mut WriteTx, &'t (Env, C)) -> BoxFuture<'t, Result<T, ServiceError>>
            + Send
            + Sync
            + 'static,
    {
        self.db
            .write("demo.seed", (self.env.clone(), input), use_case)
            .await
            .map_err(failed)
    }
}

/// A code in a text: six digits, or twice three.
fn code_in(text: &str) -> Option<String> {
    let is_digits = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    let mut before = "";
    for word in text.split_whitespace() {
        let word = word.trim_matches(|c: char| !c.is_ascii_digit());
        if is_digits(word) && word.len() == CODE_DIGITS {
            return Some(word.to_owned());
        }
        if is_digits(word) && word.len() == 3 && before.len() == 3 {
            return Some(format!("{before}{word}"));
        }
        before = if is_digits(word) { word } else { "" };
    }
    None
}

const fn days(count: u64) -> Duration {
    Duration::from_secs(count.saturating_mul(24 * 3_600))
}

fn name(surname: &str, given: &str, patronymic: Option<&str>) -> Name {
    Name {
        surname: surname.to_owned(),
        given: given.to_owned(),
        patronymic: patronymic.map(ToOwned::to_owned),
    }
}

/// Papers of a person who does not exist; the numbers are those of examples.
fn papers() -> [Change; 5] {
    let text = ToOwned::to_owned;
    [
        Change::Birth {
            date: text("1987-04-12"),
            place: text("г. Тверь"),
        },
        Change::Address {
            address: text("г. Тверь, ул. Советская, д. 1, кв. 1"),
        },
        Change::Passport(Passport {
            number: text("2807123456"),
            issued_on: text("2007-05-15"),
            issuer: text("ОВД Центрального района г. Твери"),
            department: text("692-001"),
        }),
        Change::Inn {
            inn: text("500100732259"),
        },
        Change::Snils {
            snils: text("11223344595"),
        },
    ]
}

#[cfg(test)]
mod tests {
    use kernel::documents::{DepartmentCode, Inn, PassportNumber, Snils};

    use super::*;

    #[test]
    fn codes_are_found_however_they_are_written() {
        let found = |text| code_in(text).unwrap_or_default();
        assert_eq!(found("Код № 1: 770\u{a0}134."), "770134");
        assert_eq!(
            found("код № 3 для входа 481 205. Не говорите\n@localhost #481205"),
            "481205"
        );
        assert_eq!(found("@localhost #000042"), "000042");
        assert_eq!(found("№ 12 от 2026"), "");
    }

    #[test]
    fn the_invented_papers_have_the_right_form() {
        for change in papers() {
            match change {
                Change::Passport(passport) => {
                    assert_eq!(
                        PassportNumber::parse(&passport.number).unwrap().as_str(),
                        passport.number
                    );
                    assert!(DepartmentCode::parse(&passport.department).is_ok());
                }
                Change::Inn { inn } => assert_eq!(Inn::parse_person(&inn).unwrap().as_str(), inn),
                Change::Snils { snils } => {
                    assert_eq!(Snils::parse(&snils).unwrap().as_str(), snils)
                }
                _ => {}
            }
        }
        for phone in PHONES {
            assert_eq!(Phone::parse(phone).unwrap().as_str(), phone);
        }
        let shown = crate::demo_views::Customer::ALL.map(|customer| customer.phone);
        let shown = shown.map(|phone| Phone::parse(phone).unwrap().as_str().to_owned());
        assert_eq!(shown, PHONES);
    }
}
