//! What people do with passwords, keys, apps and each other, told as requests (ID-3, ID-5, ID-7, ID-8, ID-8a).

use identity_core::totp;
use kernel::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use testkit::authenticator::Authenticator;

use super::house::{House, now_secs, nudge};
use super::scripts::{Person, code_of, enter, enter_again, person, sent, shown};

const PASSWORD: &str = "лиловый поезд уходит";
const PASSCODE: &str = "8305";

/// A request as its owner sends it.
pub fn own(house: &mut House, who: &Person, method: &str, path: &str, body: &Value) -> Value {
    let bearer = who.bearer();
    house.ask(method, path, &[("Authorization", &bearer)], body)
}

/// A sensitive request: when a proof is asked for, it is given, and the same request goes on.
pub fn proved(
    house: &mut House,
    who: &Person,
    (method, path, body): (&str, &str, &Value),
    prove: impl FnOnce(&mut House, &Person, &str),
) -> Value {
    let (key, bearer) = (house.key(), who.bearer());
    let mut headers = vec![("Authorization", bearer.as_str())];
    let first = house.send_keyed(&key, method, path, &headers, body);
    let said: Value = serde_json::from_str(&first.body).unwrap_or_default();
    let Some(step) = said["step"].as_str() else {
        assert!(first.status < 300, "{method} {path}: {}", first.body);
        return said;
    };
    prove(house, who, step);
    headers.push(("Kabinet-Step", step));
    let answer = house.send_keyed(&key, method, path, &headers, body);
    assert!(answer.status < 300, "{method} {path}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap_or_default()
}

pub fn with_password(house: &mut House) -> Person {
    let who = enter(house);
    let secret = json!({ "password": PASSWORD });
    own(house, &who, "PUT", "/password", &secret);
    who
}

pub fn by_password(house: &mut House, who: &Person, step: &str) {
    let path = format!("/steps/{step}/password");
    own(house, who, "POST", &path, &json!({ "password": PASSWORD }));
}

/// A code to the phone, where nothing stronger is there.
pub fn by_code(house: &mut House, who: &Person, step: &str) {
    house.settle();
    house.calm();
    let before = house.messages(&who.phone, 0).len();
    let path = format!("/steps/{step}/codes");
    own(house, who, "POST", &path, &json!({ "channel": "sms" }));
    let code = code_of(&house.messages(&who.phone, before + 1));
    let body = json!({ "channel": "sms", "code": code });
    own(house, who, "POST", &format!("{path}/verify"), &body);
}

pub fn seen(house: &mut House, who: &Person) -> Vec<String> {
    house.settle();
    shown(house, who, 1)
}

/// ID-3, ID-9: a password, a passcode without a key, the code word; the bank section by the password, tried wrongly
/// first, and by the passcode with a code.
pub fn chooses_secrets(house: &mut House) -> Vec<String> {
    let who = with_password(house);
    proved(
        house,
        &who,
        ("PUT", "/passcode", &json!({ "passcode": PASSCODE })),
        by_password,
    );
    let word = json!({ "code_word": "зелёный крокодил" });
    proved(house, &who, ("PUT", "/code-word", &word), by_password);
    proved(
        house,
        &who,
        ("POST", "/bank", &Value::Null),
        |house, who, step| {
            let bearer = who.bearer();
            let headers = [("Authorization", bearer.as_str())];
            let path = format!("/steps/{step}/password");
            let wrong = json!({ "password": "не тот пароль совсем" });
            let refused = house.send("POST", &path, &headers, &wrong);
            assert!(refused.status >= 400, "{}", refused.body);
            by_password(house, who, step);
        },
    );
    house.minutes_unused();
    let open = own(house, &who, "GET", "/bank", &Value::Null);
    assert_eq!(open["is_open"], true, "{open}");
    own(house, &who, "DELETE", "/bank", &Value::Null);
    proved(
        house,
        &who,
        ("POST", "/bank", &Value::Null),
        |house, who, step| {
            by_code(house, who, step);
            let path = format!("/steps/{step}/passcode");
            own(house, who, "POST", &path, &json!({ "passcode": PASSCODE }));
        },
    );
    // What is given up changes nothing.
    let bearer = who.bearer();
    let headers = [("Authorization", bearer.as_str())];
    let asked = house.send("DELETE", "/password", &headers, &Value::Null);
    let asked: Value = serde_json::from_str(&asked.body).unwrap_or_default();
    let step = asked["step"].as_str().expect("a step").to_owned();
    let given_up = house.send("DELETE", &format!("/steps/{step}"), &headers, &Value::Null);
    assert!(
        matches!(given_up.status, 204 | 404 | 409),
        "{}",
        given_up.body
    );
    seen(house, &who)
}

/// ID-3: the passcode by the key of this device.
pub fn keeps_a_key(house: &mut House) -> Vec<String> {
    let who = enter(house);
    let key = p256_key(house);
    let point = hex::encode(key.point());
    let body = json!({ "passcode": PASSCODE, "key": point });
    own(house, &who, "PUT", "/passcode", &body);
    proved(
        house,
        &who,
        ("POST", "/bank", &Value::Null),
        |house, who, step| {
            let path = format!("/steps/{step}/passcode");
            let asked = own(
                house,
                who,
                "POST",
                &format!("{path}/challenge"),
                &Value::Null,
            );
            let text = asked["text"].as_str().expect("a text");
            let signed =
                json!({ "id": asked["id"], "signature": hex::encode(key.raw(text.as_bytes())) });
            own(
                house,
                who,
                "POST",
                &path,
                &json!({ "passcode": PASSCODE, "signed": signed }),
            );
        },
    );
    seen(house, &who)
}

fn p256_key(house: &mut House) -> Authenticator {
    let mut key = Authenticator::new(&house.origin(), 1);
    // Each has a credential of its own (A61).
    key.credential = Sha256::digest(house.key()).to_vec();
    key
}

/// ID-5: a passkey is made, opens the bank section, is named, signs in, and is removed by itself.
pub fn has_a_passkey(house: &mut House) -> Vec<String> {
    let who = enter(house);
    let mut key = p256_key(house);
    let begun = own(house, &who, "POST", "/passkeys/begin", &Value::Null);
    let made = key.create(&begun["options"]);
    let body = json!({ "ceremony": begun["ceremony"], "answer": made, "name": "Телефон" });
    let list = own(house, &who, "POST", "/passkeys", &body);
    let id = list["passkeys"][0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    proved(
        house,
        &who,
        ("POST", "/bank", &Value::Null),
        |house, who, step| {
            by_passkey(house, who, step, &mut key);
        },
    );
    let path = format!("/passkeys/{id}");
    own(house, &who, "PUT", &path, &json!({ "name": "Мой телефон" }));
    let flow = house.flow();
    let flow = [("Kabinet-Flow", flow.as_str())];
    let begun = house.ask("POST", "/sign-in/passkey/begin", &flow, &Value::Null);
    let body = json!({ "ceremony": begun["ceremony"], "answer": key.get(&begun["options"]) });
    let inside = house.ask("POST", "/sign-in/passkey", &flow, &body);
    let again = person(who.phone.clone(), String::new(), &inside);
    proved(
        house,
        &again,
        ("DELETE", &path, &Value::Null),
        |house, who, step| {
            by_passkey(house, who, step, &mut key);
        },
    );
    seen(house, &again)
}

fn by_passkey(house: &mut House, who: &Person, step: &str, key: &mut Authenticator) {
    let path = format!("/steps/{step}/passkey");
    let begun = own(house, who, "POST", &format!("{path}/begin"), &Value::Null);
    let body = json!({ "ceremony": begun["ceremony"], "answer": key.get(&begun["options"]) });
    own(house, who, "POST", &path, &body);
}

fn bytes(text: &str) -> Vec<u8> {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for letter in text.bytes() {
        let value = letters.iter().position(|l| *l == letter).expect("base32");
        bits = bits << 5 | u32::try_from(value).expect("small");
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 255).expect("a byte"));
        }
    }
    bytes
}

/// What the app shows now; that it showed it before is forgotten.
fn app_code(house: &House, secret: &[u8]) -> String {
    house.nudge(&nudge::APPS);
    let now = Timestamp::from_secs(i64::try_from(now_secs()).expect("this century"));
    totp::code(secret, totp::step(now), totp::DIGITS)
}

fn by_app(house: &mut House, who: &Person, step: &str, secret: &[u8]) {
    let body = json!({ "way": "totp", "code": app_code(house, secret) });
    own(house, who, "POST", &format!("/steps/{step}/factors"), &body);
}

/// ID-7, ID-8: an app and backup codes; a computer is let in, another is refused; the second factor is always asked
/// for, and a backup code answers.
pub fn has_second_legs(house: &mut House) -> Vec<String> {
    let who = enter(house);
    let begun = own(house, &who, "POST", "/totp", &Value::Null);
    let uri = begun["uri"].as_str().expect("an address").to_owned();
    let (_, secret) = uri.split_once("secret=").expect("a secret");
    let secret = bytes(secret.split('&').next().unwrap_or_default());
    let code = app_code(house, &secret);
    own(
        house,
        &who,
        "POST",
        "/totp/confirm",
        &json!({ "code": code }),
    );
    let app = |house: &mut House, who: &Person, step: &str| by_app(house, who, step, &secret);
    let issued = proved(house, &who, ("POST", "/backup-codes", &Value::Null), app);
    let backup = issued["codes"][0].as_str().expect("a code").to_owned();
    proved(
        house,
        &who,
        ("PUT", "/second-factor", &json!({ "always": true })),
        app,
    );
    let refused = house.ask("POST", "/handovers", &[], &Value::Null);
    let token = refused["token"].as_str().expect("a token");
    let bearer = who.bearer();
    let headers = [("Authorization", bearer.as_str())];
    let no = house.send(
        "DELETE",
        &format!("/let-in/{token}"),
        &headers,
        &Value::Null,
    );
    assert!(matches!(no.status, 204 | 409), "{}", no.body);
    let asks = house.ask("POST", "/handovers", &[], &Value::Null);
    let token = asks["token"].as_str().expect("a token").to_owned();
    let flow = asks["flow"].as_str().expect("a flow").to_owned();
    let number = json!({ "number": asks["number"] });
    proved(
        house,
        &who,
        ("POST", &format!("/let-in/{token}"), &number),
        app,
    );
    let flow = [("Kabinet-Flow", flow.as_str())];
    let inside = house.ask("POST", &format!("/handovers/{token}"), &flow, &Value::Null);
    assert!(inside["session_token"].is_string(), "{inside}");
    house.settle();
    let before = house.messages(&who.phone, 0).len();
    let flow = asked_for_second(house, &who, before);
    let flow = [("Kabinet-Flow", flow.as_str())];
    let body = json!({ "way": "backup_code", "code": backup });
    let inside = house.ask("POST", "/sign-in/second", &flow, &body);
    assert!(
        inside["backup_code"].is_string(),
        "ID-8: a used one is replaced"
    );
    seen(house, &who)
}

/// ID-8: the second factor at sign-in is the password, and then a passkey.
pub fn shows_stronger_ones(house: &mut House) -> Vec<String> {
    let who = with_password(house);
    let mut key = p256_key(house);
    let begun = proved(
        house,
        &who,
        ("POST", "/passkeys/begin", &Value::Null),
        by_password,
    );
    let made = key.create(&begun["options"]);
    let body = json!({ "ceremony": begun["ceremony"], "answer": made, "name": "Ключ" });
    proved(house, &who, ("POST", "/passkeys", &body), by_password);
    let always = json!({ "always": true });
    proved(house, &who, ("PUT", "/second-factor", &always), by_password);
    house.settle();
    let before = house.messages(&who.phone, 0).len();
    let flow = asked_for_second(house, &who, before);
    let flow = [("Kabinet-Flow", flow.as_str())];
    let body = json!({ "way": "password", "code": PASSWORD });
    let inside = house.ask("POST", "/sign-in/second", &flow, &body);
    assert!(inside["session_token"].is_string(), "{inside}");
    house.settle();
    let before = house.messages(&who.phone, 0).len();
    let flow = asked_for_second(house, &who, before);
    let flow = [("Kabinet-Flow", flow.as_str())];
    let begun = house.ask("POST", "/sign-in/passkey/begin", &flow, &Value::Null);
    let body = json!({ "ceremony": begun["ceremony"], "answer": key.get(&begun["options"]) });
    let inside = house.ask("POST", "/sign-in/second/passkey", &flow, &body);
    assert!(inside["session_token"].is_string(), "{inside}");
    seen(house, &who)
}

/// The first code of somebody with the setting on.
fn asked_for_second(house: &mut House, who: &Person, before: usize) -> String {
    house.calm();
    let flow = house.flow();
    let headers = [("Kabinet-Flow", flow.as_str())];
    let body = json!({ "phone": who.phone, "channel": "call" });
    house.ask("POST", "/sign-in/codes", &headers, &body);
    let code = code_of(&house.messages(&who.phone, before + 1));
    let said = house.ask(
        "POST",
        "/sign-in/verify",
        &headers,
        &json!({ "code": code }),
    );
    assert_eq!(said["second_factor_required"], true, "{said}");
    flow
}

/// ID-8a: somebody is named with a code to the phone, and freezes; nobody is told whether he could.
pub fn names_somebody(house: &mut House) -> Vec<String> {
    let who = enter(house);
    let friend = house.number("0021");
    let body = json!({ "name": "Брат", "phone": friend });
    proved(house, &who, ("POST", "/trusted", &body), by_code);
    house.settle();
    let before = house.messages(&friend, 1).len();
    let mut all = seen(house, &who);
    house.calm();
    let flow = house.flow();
    let flow = [("Kabinet-Flow", flow.as_str())];
    house.ask(
        "POST",
        "/trusted-freeze/codes",
        &flow,
        &json!({ "phone": friend }),
    );
    let code = code_of(&house.messages(&friend, before + 1));
    let body = json!({ "friend": who.phone, "code": code });
    house.ask("POST", "/trusted-freeze", &flow, &body);
    house.settle();
    let bearer = who.bearer();
    let out = house.send(
        "GET",
        "/session",
        &[("Authorization", &bearer)],
        &Value::Null,
    );
    assert_eq!(out.status, 401, "ID-8a: a freeze ends the sessions");
    all.extend(sent(house, &who.phone, 1));
    all.extend(sent(house, &friend, 1));
    all
}

/// ID-8a: the operator says that the number has changed; its code and the password clear that.
pub fn is_doubted(house: &mut House) -> Vec<String> {
    let who = enter(house);
    own(
        house,
        &who,
        "PUT",
        "/password",
        &json!({ "password": PASSWORD }),
    );
    house.signal(&who.phone);
    house.settle();
    house.calm();
    let before = house.messages(&who.phone, 0).len();
    own(house, &who, "POST", "/number", &json!({ "call": false }));
    let code = code_of(&house.messages(&who.phone, before + 1));
    own(
        house,
        &who,
        "POST",
        "/number/confirm",
        &json!({ "code": code }),
    );
    proved(
        house,
        &who,
        ("POST", "/number/clear", &Value::Null),
        by_password,
    );
    let number = own(house, &who, "GET", "/number", &Value::Null);
    assert_eq!(number["doubted_at"], Value::Null, "{number}");
    let before = house.count(&who.phone);
    let again = enter_again(house, &who, before, "Device two");
    seen(house, &again)
}
