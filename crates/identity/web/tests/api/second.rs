//! The second legs over the API: an app, the second factor at sign-in, letting in, numbers in doubt.

use hmac::{Hmac, KeyInit as _, Mac as _};
use identity_core::totp;
use serde_json::json;
use sha2::Sha256;
use testkit::{TestDb, authenticator::Authenticator};

use crate::house::{ANNA, BORIS, GATEWAY_SECRET, House, Reply, call};

const PASSWORD: &str = "лиловый поезд уходит";
const ORIGIN: &str = "https://kabinet.example";

impl Reply {
    fn step(&self) -> String {
        self.body["step"].as_str().unwrap().to_owned()
    }
}

impl House {
    fn app(&self, uri: &str, off: i64) -> String {
        let text = uri
            .split("secret=")
            .nth(1)
            .unwrap()
            .split('&')
            .next()
            .unwrap();
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let (mut bits, mut count, mut secret) = (0_u32, 0, Vec::new());
        for letter in text.bytes() {
            let value = letters.iter().position(|l| *l == letter).unwrap();
            bits = bits << 5 | u32::try_from(value).unwrap();
            count += 5;
            if count >= 8 {
                count -= 8;
                secret.push(u8::try_from(bits >> count & 255).unwrap());
            }
        }
        let now = kernel::Clock::now(&**self.test.clock());
        totp::code(&secret, totp::step(now) + off, totp::DIGITS)
    }

    /// Connects an app; answers its address.
    async fn connect(&self, token: &str) -> String {
        let begun = self.act(call("POST", "/totp").bearer(token)).await.is(200);
        let uri = begun.body["uri"].as_str().unwrap().to_owned();
        let code = self.app(&uri, 0);
        let confirm = call("POST", "/totp/confirm").bearer(token);
        let done = self
            .act(confirm.json(&json!({ "code": code })))
            .await
            .is(200);
        assert!(done.body["connected_at"].is_i64() && done.body["uri"].is_null());
        self.wait(60);
        uri
    }

    async fn signal(&self, secret: &str, phone: &str) -> Reply {
        let at = kernel::Clock::now(&**self.test.clock()).as_secs();
        let body = json!({ "phone": phone, "reason": "sim_changed" }).to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("{at}.{body}").as_bytes());
        let signature = hex::encode(mac.finalize().into_bytes());
        let signal = call("POST", "/number-signals/sms")
            .bytes("application/json", body.as_bytes())
            .with("x-timestamp", &at.to_string())
            .with("x-signature", &signature);
        self.send(signal).await
    }

    async fn password_for(&self, token: &str, step: &str) -> Reply {
        let path = format!("/steps/{step}/password");
        let body = json!({ "password": PASSWORD });
        self.act(call("POST", &path).bearer(token).json(&body))
            .await
    }

    /// The first code of a sign-in, right.
    async fn first(&self, phone: &str) -> (String, Reply) {
        let flow = self.ask(phone).await;
        let code = self.code(phone).await;
        let verify = call("POST", "/sign-in/verify").flow(&flow);
        let reply = self
            .act(verify.json(&json!({ "code": code })))
            .await
            .is(200);
        (flow, reply)
    }
}

testkit::both_engines! {
    /// ID-8: an app is connected, the setting asks for it at sign-in, a code of it enters once.
    async fn an_app_at_sign_in(db: TestDb) {
        let house = House::new(db);
        let (token, _) = house.enter(ANNA).await;
        let uri = house.connect(&token).await;
        let put = |always: bool| call("PUT", "/second-factor").bearer(&token).json(&json!({ "always": always }));
        let needs = house.act(put(true)).await.refuses(403, "step_up_needed");
        let step = needs.body["step"].as_str().unwrap().to_owned();
        let shown = call("POST", &format!("/steps/{step}/factors")).bearer(&token);
        let wrong = shown.clone().json(&json!({ "way": "totp", "code": House::other(&house.app(&uri, 0)) }));
        house.act(wrong).await.refuses(422, "code_wrong");
        let right = shown.json(&json!({ "way": "totp", "code": house.app(&uri, 0) }));
        assert_eq!(house.act(right).await.is(200).body["step"]["is_proved"], true);
        let set = house.act(put(true).with("kabinet-step", &step)).await.is(200);
        assert_eq!(set.body["always"], true);
        house.wait(3_700);
        let early = house.ask(ANNA).await;
        house.send(call("GET", "/sign-in/second").flow(&early)).await.refuses(404, "flow_not_found");
        house.wait(3_700);
        let (flow, reply) = house.first(ANNA).await;
        assert_eq!(reply.body["second_factor_required"], true);
        assert_eq!(reply.body["ways"], json!(["totp"]));
        assert!(reply.body["session_token"].is_null());
        let consent = call("POST", "/sign-in/register").flow(&flow).json(&json!({ "personal_data": true }));
        house.act(consent).await.refuses(409, "second_factor_needed");
        let second = |code: String| call("POST", "/sign-in/second").flow(&flow).json(&json!({ "way": "totp", "code": code }));
        let code = house.app(&uri, 0);
        let first = second(code.clone()).key("one");
        let inside = house.act(first.clone()).await.is(200);
        let again = house.act(first).await.is(200);
        assert_eq!(inside.body, again.body, "the same command, the same answer (EV-3)");
        house.act(second(code)).await.refuses(409, "proof_missing");
        let token = inside.body["session_token"].as_str().unwrap();
        house.send(call("GET", "/session").bearer(token)).await.is(200);
    }

    /// ID-8, A47: the password and the passkey are second factors at sign-in too; a wrong password and somebody
    /// else's flow are not, and the only second factor stays while sign-in asks for it.
    async fn a_password_and_a_passkey_at_sign_in(db: TestDb) {
        let house = House::new(db);
        let (token, _) = house.enter(ANNA).await;
        let put = call("PUT", "/password").bearer(&token).json(&json!({ "password": PASSWORD }));
        house.act(put).await.is(200);
        let mut key = Authenticator::new(ORIGIN, 1);
        let begun = house.act(call("POST", "/passkeys/begin").bearer(&token)).await.is(200);
        let answer = key.create(&begun.body["options"]);
        let made = json!({ "ceremony": begun.body["ceremony"], "answer": answer });
        let add = call("POST", "/passkeys").bearer(&token).json(&made);
        let step = house.act(add.clone()).await.refuses(403, "step_up_needed").step();
        house.password_for(&token, &step).await.is(200);
        // The ceremony of the first try is over: the key is made again, under the same step's five minutes.
        let begun = house.act(call("POST", "/passkeys/begin").bearer(&token)).await.is(200);
        let answer = key.create(&begun.body["options"]);
        let made = json!({ "ceremony": begun.body["ceremony"], "answer": answer });
        house.act(call("POST", "/passkeys").bearer(&token).json(&made)).await.is(201);
        let always = call("PUT", "/second-factor").bearer(&token).json(&json!({ "always": true }));
        let reply = house.act(always.clone()).await;
        if reply.status.as_u16() != 200 {
            let step = reply.refuses(403, "step_up_needed").step();
            house.password_for(&token, &step).await.is(200);
            house.act(always.with("kabinet-step", &step)).await.is(200);
        }
        house.wait(3_700);
        let (flow, reply) = house.first(ANNA).await;
        assert_eq!(reply.body["ways"], json!(["passkey", "password"]));
        let typed = |code: &str| call("POST", "/sign-in/second").flow(&flow)
            .json(&json!({ "way": "password", "code": code }));
        house.act(typed("не тот длинный пароль")).await.refuses(422, "password_wrong");
        let first = typed(PASSWORD).key("password");
        let inside = house.act(first.clone()).await.is(200);
        assert_eq!(inside.body, house.act(first).await.is(200).body, "the same command, the same answer (EV-3)");
        house.act(typed(PASSWORD)).await.refuses(409, "proof_missing");
        house.wait(3_700);
        let (flow, _) = house.first(ANNA).await;
        let begun = house.act(call("POST", "/sign-in/passkey/begin").flow(&flow)).await.is(200);
        let answer = key.get(&begun.body["options"]);
        let shown = json!({ "ceremony": begun.body["ceremony"], "answer": answer });
        let show = |flow: &str| call("POST", "/sign-in/second/passkey").flow(flow).json(&shown);
        let stranger = house.ask(BORIS).await;
        house.act(show(&stranger)).await.refuses(409, "proof_missing");
        let inside = house.act(show(&flow)).await.is(200);
        let token = inside.body["session_token"].as_str().unwrap();
        house.send(call("GET", "/session").bearer(token)).await.is(200);
    }

    /// ID-7: a computer is let in by a phone; its flow and no other picks the session up.
    async fn a_computer_is_let_in(db: TestDb) {
        let house = House::new(db);
        let (token, _) = house.enter(ANNA).await;
        let begun = house.act(call("POST", "/handovers")).await.is(201);
        let text = |name: &str| begun.body[name].as_str().unwrap().to_owned();
        let (flow, secret) = (text("flow"), text("token"));
        assert_eq!(text("link"), format!("https://kabinet.example/let-in/{secret}"));
        let asks = house.send(call("GET", &format!("/let-in/{secret}")).bearer(&token)).await.is(200);
        assert!(asks.body["offered"].as_array().unwrap().contains(&begun.body["number"]));
        let enter = || call("POST", &format!("/handovers/{secret}")).flow(&flow);
        house.act(enter()).await.refuses(409, "handover_over");
        let choose = call("POST", &format!("/let-in/{secret}")).bearer(&token);
        house.act(choose.json(&json!({ "number": begun.body["number"] }))).await.is(204);
        let state = house.send(call("GET", &format!("/handovers/{secret}")).flow(&flow)).await.is(200);
        assert_eq!(state.body["state"], "approved");
        let other = house.act(call("POST", "/handovers")).await.is(201);
        let other = other.body["flow"].as_str().unwrap().to_owned();
        house.act(enter().flow(&other)).await.refuses(409, "handover_over");
        let inside = house.act(enter()).await.is(200);
        let computer = inside.body["session_token"].as_str().unwrap();
        let session = house.send(call("GET", "/session").bearer(computer)).await.is(200);
        assert_eq!(session.body["method"], "device");
        // A wrong number ends another request.
        let begun = house.act(call("POST", "/handovers")).await.is(201);
        let path = format!("/let-in/{}", begun.body["token"].as_str().unwrap());
        let asks = house.send(call("GET", &path).bearer(&token)).await.is(200);
        let offered = asks.body["offered"].as_array().unwrap();
        let wrong = offered.iter().find(|n| **n != begun.body["number"]).unwrap();
        let choose = |number| call("POST", &path).bearer(&token).json(&json!({ "number": number }));
        house.act(choose(wrong)).await.refuses(409, "wrong_number");
        house.act(choose(&begun.body["number"])).await.refuses(409, "handover_over");
    }

    /// ID-8a, A24: only a signed signal doubts a number; the answer is the same for a number nobody has.
    async fn signals_are_signed(db: TestDb) {
        let house = House::new(db);
        let (token, _) = house.enter(ANNA).await;
        house.signal("another secret..", ANNA).await.refuses(401, "report_unsigned");
        let bare = call("POST", "/number-signals/sms").bytes("application/json", b"{}");
        house.send(bare).await.refuses(401, "report_unsigned");
        let number = call("GET", "/number").bearer(&token);
        assert!(house.send(number.clone()).await.is(200).body["doubted_at"].is_null());
        let known = house.signal(GATEWAY_SECRET, ANNA).await.is(204);
        let unknown = house.signal(GATEWAY_SECRET, BORIS).await.is(204);
        assert_eq!(known.text, unknown.text);
        let doubted = house.send(number).await.is(200);
        assert!(doubted.body["doubted_at"].is_i64() && doubted.body["waits_until"].is_i64());
        let ways = house.send(call("GET", "/ways-back").bearer(&token)).await.is(200);
        assert_eq!(ways.body["losses"].as_array().unwrap().len(), 4);
        house.signal(GATEWAY_SECRET, "no number").await.refuses(422, "report_unreadable");
    }

    /// ID-8: backup codes come once, after a proof, and one of them enters and is replaced.
    async fn backup_codes_come_once(db: TestDb) {
        let house = House::new(db);
        let (token, _) = house.enter(ANNA).await;
        let uri = house.connect(&token).await;
        let issue = || call("POST", "/backup-codes").bearer(&token);
        let needs = house.act(issue()).await.refuses(403, "step_up_needed");
        let step = needs.body["step"].as_str().unwrap().to_owned();
        let shown = call("POST", &format!("/steps/{step}/factors")).bearer(&token);
        house.act(shown.json(&json!({ "way": "totp", "code": house.app(&uri, 0) }))).await.is(200);
        let set = house.act(issue().with("kabinet-step", &step)).await.is(200);
        let code = set.body["codes"][0].as_str().unwrap().to_owned();
        assert_eq!(set.body["codes"].as_array().unwrap().len(), 10);
        house.wait(366 * 24 * 3_600);
        let (flow, reply) = house.first(ANNA).await;
        assert_eq!(reply.body["why"], "aged");
        let second = call("POST", "/sign-in/second").flow(&flow);
        let inside = house.act(second.json(&json!({ "way": "backup_code", "code": code }))).await.is(200);
        assert_ne!(inside.body["backup_code"].as_str().unwrap(), code);
    }
}
