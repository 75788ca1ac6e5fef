//! Another number, told as requests (CH-1, CH-2, A48).

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::house::House;
use super::legs::{by_code, by_password, own, proved, seen, with_password};
use super::scripts::{Person, code_of, sent};

/// A process looks at once for regular work that is due, and then only after its period. A death in the middle
/// leaves the work to the next process.
const STARTS: usize = 8;
/// How long a process that was just started takes for it.
const SOON: Duration = Duration::from_secs(4);

/// Proves a number that is new, and answers it.
fn proves_another(house: &mut House, who: &Person) -> String {
    let new = house.number("0033");
    house.settle();
    house.calm();
    own(
        house,
        who,
        "POST",
        "/changes/phone/codes",
        &json!({ "to": new }),
    );
    let code = code_of(&house.messages(&new, 1));
    let free = own(
        house,
        who,
        "POST",
        "/changes/phone/verify",
        &json!({ "code": code }),
    );
    assert_eq!(free["free"], true, "{free}");
    new
}

/// The token of the newest link of a change.
fn link(house: &mut House, at: &str) -> String {
    house.settle();
    let messages = house.messages(at, 1);
    let text = messages
        .iter()
        .rev()
        .find_map(|message| message.text.split_once("/change/"))
        .expect("a link")
        .1;
    let ends = |c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_';
    text.split(ends).next().unwrap_or_default().to_owned()
}

/// CH-1, A48: changed at once with the password and the old number's code; the old number takes it back.
pub fn changes_and_comes_back(house: &mut House) -> Vec<String> {
    let who = with_password(house);
    let new = proves_another(house, &who);
    let body = json!({ "to": new });
    let done = proved(
        house,
        &who,
        ("POST", "/changes/phone", &body),
        |house, who, step| {
            by_password(house, who, step);
            by_code(house, who, step);
        },
    );
    assert_eq!(done["changed"], true, "{done}");
    let mut all = seen(house, &who);
    let token = link(house, &who.phone);
    let path = format!("/change-links/{token}");
    let does = house.ask("GET", &path, &[], &Value::Null);
    assert_eq!(does["does"], "undo", "{does}");
    let did = house.ask("POST", &path, &[], &Value::Null);
    assert_eq!(did["did"], "undone", "{did}");
    house.settle();
    let bearer = who.bearer();
    let headers = [("Authorization", bearer.as_str())];
    let out = house.send("GET", "/session", &headers, &Value::Null);
    assert_eq!(out.status, 401, "A48: an undoing ends the sessions");
    all.extend(sent(house, &who.phone, 1));
    all.extend(sent(house, &new, 1));
    all
}

/// CH-2: without the old number a change waits; it is stopped once, begins anew, and is made when its time is over.
pub fn goes_by_itself(house: &mut House) -> Vec<String> {
    let who = with_password(house);
    let hold = |house: &mut House| {
        let new = proves_another(house, &who);
        let body = json!({ "to": new, "lost": true });
        let held = proved(house, &who, ("POST", "/changes/phone", &body), by_password);
        assert!(held["until"].is_i64(), "{held}");
        new
    };
    hold(house);
    // The browser that began it is as old as the account, and the session has shown the password.
    let stopped = own(house, &who, "POST", "/changes/phone/stop", &Value::Null);
    assert_eq!(stopped["ended"], true, "{stopped}");
    let new = hold(house);
    house.settle();
    house.holds_are_over();
    let is_made = (0..STARTS).any(|_| {
        house.restart();
        made_soon(house, &who)
    });
    assert!(is_made, "the change still waits");
    let mut all = seen(house, &who);
    all.extend(sent(house, &new, 1));
    all
}

/// Whether what was due is done soon after a start.
fn made_soon(house: &mut House, who: &Person) -> bool {
    let began = Instant::now();
    while began.elapsed() < SOON {
        let standing = own(house, who, "GET", "/changes", &Value::Null);
        if standing["phone"].is_null() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}
