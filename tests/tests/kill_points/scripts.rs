//! What people do, told as requests. Each script gives what is seen at its end: with everything random masked it
//! is the same however often the program died on the way.

use serde_json::{Value, json};
use whole_product::carriers::{GONE, Handed, REFUSED, SILENT};
use whole_product::demo::code_in;

use super::house::House;
use super::legs;
use super::moves;

/// One of them.
#[derive(Clone, Copy)]
pub struct Script {
    /// Its name in messages of failure.
    pub name: &'static str,
    /// Plays it; what was seen.
    pub play: fn(&mut House) -> Vec<String>,
    /// Its points lie in the start of the process.
    pub starts: bool,
    /// Messages that are handed over twice without any crash.
    pub copies: usize,
}

const fn script(name: &'static str, play: fn(&mut House) -> Vec<String>) -> Script {
    Script {
        name,
        play,
        starts: false,
        copies: 0,
    }
}

/// All of them; the first is a mere start.
pub const SCRIPTS: [Script; 17] = [
    Script {
        name: "a start",
        play: a_start,
        starts: true,
        copies: 0,
    },
    script("somebody enters", enters),
    script("an address is confirmed", confirms),
    script("devices come and go", devices),
    script("a freeze and its end", freezes),
    Script {
        name: "carriers that fail",
        play: carriers_fail,
        starts: false,
        copies: 1,
    },
    script("somebody guesses", guesses),
    script("secrets are chosen", legs::chooses_secrets),
    script("a device keeps a key", legs::keeps_a_key),
    script("a passkey and its end", legs::has_a_passkey),
    script("second legs", legs::has_second_legs),
    script("stronger second legs", legs::shows_stronger_ones),
    script("somebody is named", legs::names_somebody),
    script("a number is doubted", legs::is_doubted),
    script("a recovery and its stop", recovers),
    script(
        "a number is changed and comes back",
        moves::changes_and_comes_back,
    ),
    script("a number goes by itself", moves::goes_by_itself),
];

/// Somebody signed in.
pub struct Person {
    pub phone: String,
    flow: String,
    token: String,
    browser: String,
}

impl Person {
    /// The header that shows the session.
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }
}

pub fn code_of(messages: &[Handed]) -> String {
    let newest = messages
        .iter()
        .rev()
        .find_map(|message| code_in(&message.text, 6));
    newest.expect("a message with a code").to_owned()
}

pub fn person(phone: String, flow: String, inside: &Value) -> Person {
    let text = |name: &str| inside[name].as_str().unwrap_or_default().to_owned();
    let (token, browser) = (text("session_token"), text("browser_token"));
    assert!(!token.is_empty(), "{inside}");
    Person {
        phone,
        flow,
        token,
        browser,
    }
}

pub fn enter(house: &mut House) -> Person {
    let (phone, flow) = (house.number("0017"), house.flow());
    let headers = [("Kabinet-Flow", flow.as_str())];
    house.ask(
        "POST",
        "/sign-in/codes",
        &headers,
        &json!({ "phone": phone }),
    );
    let code = code_of(&house.messages(&phone, 1));
    house.ask(
        "POST",
        "/sign-in/verify",
        &headers,
        &json!({ "code": code }),
    );
    let inside = house.ask(
        "POST",
        "/sign-in/register",
        &headers,
        &json!({ "personal_data": true }),
    );
    person(phone, flow, &inside)
}

/// Signs in once more, from a device that is not known; `messages` are there before.
pub fn enter_again(house: &mut House, of: &Person, messages: usize, agent: &str) -> Person {
    house.calm();
    let flow = house.flow();
    let headers = [("Kabinet-Flow", flow.as_str()), ("User-Agent", agent)];
    let body = json!({ "phone": of.phone, "channel": "call" });
    house.ask("POST", "/sign-in/codes", &headers, &body);
    let code = code_of(&house.messages(&of.phone, messages + 1));
    let inside = house.ask(
        "POST",
        "/sign-in/verify",
        &headers,
        &json!({ "code": code }),
    );
    person(of.phone.clone(), flow.clone(), &inside)
}

/// Digits, links and the like are chance.
fn masked(text: &str) -> String {
    let words = text.split_whitespace().map(|word| {
        if word.contains("://") || word.len() > 60 {
            return "<link>".to_owned();
        }
        word.chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect()
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What an account shows its owner, and what was sent to it.
pub fn shown(house: &mut House, who: &Person, messages: usize) -> Vec<String> {
    let bearer = who.bearer();
    let headers = [("Authorization", bearer.as_str())];
    // First what was sent: work that a death put off is done by then, and what it noted can be read.
    let mut shown = sent(house, &who.phone, messages);
    let history = house.ask("GET", "/history", &headers, &Value::Null);
    let events = history["events"].as_array().cloned().unwrap_or_default();
    assert!(!events.is_empty(), "{history}");
    shown.extend(
        events
            .iter()
            .map(|event| format!("event {}", event["action"])),
    );
    let devices = house.ask("GET", "/devices", &headers, &Value::Null);
    shown.push(format!(
        "{} devices",
        devices["devices"].as_array().map_or(0, Vec::len)
    ));
    let profile = house.ask("GET", "/profile", &headers, &Value::Null);
    shown.push(format!(
        "level {} name {}",
        profile["level"], profile["name"]
    ));
    let consents = house.ask("GET", "/consents", &headers, &Value::Null);
    shown.push(format!(
        "{} consents",
        consents["consents"].as_array().map_or(0, Vec::len)
    ));
    let session = house.ask("GET", "/session", &headers, &Value::Null);
    shown.push(format!("frozen {}", session["frozen"]));
    shown.sort();
    shown
}

pub fn sent(house: &mut House, to: &str, messages: usize) -> Vec<String> {
    let messages = house.messages(to, messages);
    let mut sent: Vec<String> = messages
        .iter()
        .map(|message| format!("sent {}", masked(&message.text)))
        .collect();
    sent.sort();
    sent
}

fn a_start(house: &mut House) -> Vec<String> {
    // What a start does on its own: the clock's mark, regular work, the seal.
    std::thread::sleep(std::time::Duration::from_millis(300));
    house.settle();
    vec![
        house
            .verify()
            .lines()
            .last()
            .unwrap_or_default()
            .split(' ')
            .next()
            .unwrap_or_default()
            .to_owned(),
    ]
}

fn enters(house: &mut House) -> Vec<String> {
    let (phone, flow) = (house.number("0018"), house.flow());
    let headers = [("Kabinet-Flow", flow.as_str())];
    house.ask(
        "POST",
        "/sign-in/codes",
        &headers,
        &json!({ "phone": phone }),
    );
    let messages = house.messages(&phone, 1);
    house.report(&messages[0]);
    let code = code_of(&messages);
    let wrong = if code == "000000" { "111111" } else { "000000" };
    let refused = house.send(
        "POST",
        "/sign-in/verify",
        &headers,
        &json!({ "code": wrong }),
    );
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert!(
        refused.body.contains("\"tries_left\":4"),
        "I4: a try is counted once: {}",
        refused.body
    );
    house.ask(
        "POST",
        "/sign-in/verify",
        &headers,
        &json!({ "code": code }),
    );
    let inside = house.ask(
        "POST",
        "/sign-in/register",
        &headers,
        &json!({ "personal_data": true }),
    );
    let who = person(phone, flow.clone(), &inside);
    let used = house.send(
        "POST",
        "/sign-in/verify",
        &headers,
        &json!({ "code": code }),
    );
    assert!(used.status >= 400, "I4: a code is used once");
    let bearer = who.bearer();
    let bearer = [("Authorization", bearer.as_str())];
    let name = json!({ "surname": "Образцова", "given": "Анна" });
    house.ask("PUT", "/profile/name", &bearer, &name);
    house.ask("PUT", "/locale", &bearer, &json!({ "locale": "en" }));
    house.an_hour_unseen();
    let on = json!({ "on": ["email.offers"] });
    let set = house.send("PUT", "/subscriptions", &bearer, &on);
    assert!(set.status < 300, "{}", set.body);
    let seen = shown(house, &who, 2);
    // A repeated sign-out finds nobody signed in any more.
    let out = house.send("DELETE", "/session", &bearer, &Value::Null);
    assert!(matches!(out.status, 200 | 204 | 401), "{}", out.status);
    let gone = house.send("GET", "/session", &bearer, &Value::Null);
    assert_eq!(gone.status, 401, "I6: an ended session stays ended");
    seen
}

fn link(text: &str, path: &str) -> String {
    let (_, rest) = text.split_once(path).expect("a link");
    rest.chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
        .collect()
}

/// RE-3, RE-11, A38: a stranger starts a case, binds a phone, tells, comes back elsewhere; the owner stops it.
fn recovers(house: &mut House) -> Vec<String> {
    let who = enter(house);
    let (new, flow) = (house.number("0019"), house.flow());
    let headers = [("Kabinet-Flow", flow.as_str())];
    let old = json!({ "phone": who.phone });
    let case = house.ask("POST", "/recovery/cases", &headers, &old);
    house.ask(
        "POST",
        "/recovery/phone",
        &headers,
        &json!({ "phone": new }),
    );
    let code = code_of(&house.messages(&new, 1));
    let code = json!({ "code": code });
    house.ask("POST", "/recovery/phone/verify", &headers, &code);
    let person = json!({ "surname": "Образцова", "given": "Анна" });
    house.ask("PUT", "/recovery/person", &headers, &person);
    house.calm();
    let flow = house.flow();
    let elsewhere = [("Kabinet-Flow", flow.as_str())];
    house.ask(
        "POST",
        "/recovery/resume",
        &elsewhere,
        &json!({ "phone": new }),
    );
    let code = code_of(&house.messages(&new, 2));
    let back = json!({ "number": case["number"], "code": code });
    let seen = house.ask("POST", "/recovery/resume/verify", &elsewhere, &back);
    let mut all = vec![format!("{} {}", seen["state"], seen["missing"])];
    let told = house.messages(&who.phone, 2);
    let told = told.iter().find(|message| message.text.contains("/stop/"));
    let token = link(&told.expect("the owner is told").text, "/stop/");
    let path = format!("/stop-links/{token}");
    let stopped = house.ask("POST", &path, &[], &Value::Null);
    assert_eq!(stopped["stopped"], true);
    let seen = house.ask("GET", "/recovery/cases", &headers, &Value::Null);
    all.push(format!("{}", seen["state"]));
    all.extend(shown(house, &who, 3));
    all
}

fn confirms(house: &mut House) -> Vec<String> {
    let mut seen = Vec::new();
    for by_link in [false, true] {
        let who = enter(house);
        let bearer = who.bearer();
        let headers = [("Authorization", bearer.as_str())];
        let address = format!("{}@kabinet.example", house.key().replace('0', "o"));
        house.ask("POST", "/email", &headers, &json!({ "email": address }));
        let letters = house.messages(&address, 1);
        if by_link {
            let token = link(&letters[0].text, "/email/confirm/");
            house.ask("POST", &format!("/email-links/{token}"), &[], &Value::Null);
        } else {
            let code = code_of(&letters);
            house.ask("POST", "/email/confirm", &headers, &json!({ "code": code }));
        }
        seen.extend(shown(house, &who, 2));
        let letters = house.messages(&address, 2);
        seen.push(format!("{} letters", letters.len()));
    }
    seen
}

fn devices(house: &mut House) -> Vec<String> {
    let first = enter(house);
    let bearer = first.bearer();
    let headers = [("Authorization", bearer.as_str())];
    // Each sign-in brings a call and a notice.
    let mut others = Vec::new();
    for (place, agent) in ["Device two", "Device three"].into_iter().enumerate() {
        others.push(enter_again(house, &first, 1 + 2 * place, agent));
        house.messages(&first.phone, 3 + 2 * place);
    }
    let listed = house.ask("GET", "/devices", &headers, &Value::Null);
    let listed = listed["devices"].as_array().cloned().unwrap_or_default();
    assert_eq!(listed.len(), 3, "{listed:?}");
    let other = listed
        .iter()
        .find(|device| device["is_current"] != json!(true))
        .expect("another device");
    let id = other["id"].as_str().expect("an id");
    let ended = house.send("DELETE", &format!("/devices/{id}"), &headers, &Value::Null);
    assert!(
        matches!(ended.status, 200 | 204 | 404),
        "{} {}",
        ended.status,
        ended.body
    );
    house.ask("DELETE", "/devices", &headers, &Value::Null);
    for other in &others {
        assert!(!other.browser.is_empty());
        let bearer = other.bearer();
        let out = house.send(
            "GET",
            "/session",
            &[("Authorization", &bearer)],
            &Value::Null,
        );
        assert_eq!(out.status, 401, "I6");
    }
    shown(house, &first, 6)
}

fn freezes(house: &mut House) -> Vec<String> {
    let who = enter(house);
    let bearer = who.bearer();
    let headers = [("Authorization", bearer.as_str())];
    house.ask("POST", "/freeze", &headers, &Value::Null);
    house.messages(&who.phone, 2);
    house.calm();
    house.ask("POST", "/unfreeze/codes", &headers, &Value::Null);
    let code = code_of(&house.messages(&who.phone, 3));
    house.ask(
        "POST",
        "/unfreeze/verify",
        &headers,
        &json!({ "code": code, "proof": "phone" }),
    );
    house.messages(&who.phone, 4);
    let mut seen = shown(house, &who, 4);
    // From any browser one factor is enough to freeze (ID-13).
    house.calm();
    let flow = house.flow();
    let flow = [("Kabinet-Flow", flow.as_str())];
    house.ask(
        "POST",
        "/freeze/codes",
        &flow,
        &json!({ "phone": who.phone }),
    );
    let code = code_of(&house.messages(&who.phone, 5));
    house.ask("POST", "/freeze/verify", &flow, &json!({ "code": code }));
    let notice = house.messages(&who.phone, 6).pop().expect("a notice");
    let out = house.send("GET", "/session", &headers, &Value::Null);
    assert_eq!(out.status, 401, "I6: a freeze ends the sessions");
    let token = link(&notice.text, "/not-me/");
    house.ask("POST", &format!("/alarm-links/{token}"), &[], &Value::Null);
    let again = house.send("POST", &format!("/alarm-links/{token}"), &[], &Value::Null);
    assert!(again.status >= 400, "I4: a link is used once");
    seen.extend(sent(house, &who.phone, 6));
    seen
}

fn carriers_fail(house: &mut House) -> Vec<String> {
    let mut seen = Vec::new();
    let gone = format!("{GONE}{}@kabinet.example", house.key());
    let cases = [
        json!({ "phone": house.number(REFUSED) }),
        json!({ "phone": house.number(SILENT) }),
        json!({ "email": gone }),
    ];
    for body in cases {
        let flow = house.flow();
        let flow = [("Kabinet-Flow", flow.as_str())];
        house.ask("POST", "/sign-in/codes", &flow, &body);
        if let Some(silent) = body["phone"]
            .as_str()
            .filter(|number| number.ends_with(SILENT))
        {
            house.messages(silent, 1);
        }
        house.settle();
        let code = house.ask("GET", "/sign-in/codes", &flow, &Value::Null);
        seen.push(format!("{} {}", code["channel"], code["delivery"]));
    }
    seen
}

fn guesses(house: &mut House) -> Vec<String> {
    let who = enter(house);
    house.calm();
    let flow = house.flow();
    let flow = [("Kabinet-Flow", flow.as_str())];
    house.ask(
        "POST",
        "/sign-in/codes",
        &flow,
        &json!({ "phone": who.phone }),
    );
    let code = code_of(&house.messages(&who.phone, 2));
    let wrong = if code == "000000" { "111111" } else { "000000" };
    let mut answers = Vec::new();
    for _ in 0..5 {
        let refused = house.send("POST", "/sign-in/verify", &flow, &json!({ "code": wrong }));
        answers.push(format!("answered {}", refused.status));
    }
    let dead = house.send("POST", "/sign-in/verify", &flow, &json!({ "code": code }));
    assert!(
        dead.status >= 400,
        "A8: a dead code stays dead: {}",
        dead.status
    );
    assert!(!who.flow.is_empty());
    // The owner is told, once.
    answers.extend(shown(house, &who, 3));
    answers
}
