//! SMS or calls through a gateway that takes HTTP requests.
//!
//! Which gateway is a matter of configuration alone
//! ([`GatewaySettings`]). Requests go by TLS with the system's roots, follow no
//! redirect, and end after a few seconds.

use std::time::Duration;

use async_trait::async_trait;
use kernel::Identifier;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::carrier::{Body, Carrier, Channel, Handed, Outgoing, Refusal, SendError};
use crate::settings::{BodyTemplate, GatewaySettings, Method, seconds};
use crate::tls::{SetupError, client_config, is_loopback};

/// An answer longer than this is not read to its end.
const LONGEST_ANSWER: usize = 64 * 1024;
/// Digits of the longest code that a call carries (ID-2): a number of fewer
/// spells none.
const LONGEST_CODE: usize = 6;
/// Asked of a gateway that says "slow down" without saying for how long.
const THROTTLE_PAUSE: Duration = Duration::from_secs(2);
/// A gateway may not put us off for longer.
const LONGEST_PUT_OFF: Duration = Duration::from_secs(600);

/// The words a template may hold.
struct Words<'a> {
    to: &'a str,
    text: &'a str,
    code: &'a str,
    reference: &'a str,
    secret: &'a str,
}

impl Words<'_> {
    /// Fills the words in, each passed through `escape`. What a word holds is
    /// not looked at again: a text with `{code}` in it stays as it is.
    fn fill(&self, template: &str, escape: fn(&str) -> String) -> String {
        let mut filled = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let word = after.split_once('}').and_then(|(name, tail)| {
                let word = match name {
                    "to" => self.to,
                    "to_digits" | "digits" => self.to.trim_start_matches('+'),
                    "text" => self.text,
                    "code" => self.code,
                    "id" | "reference" => self.reference,
                    "secret" => self.secret,
                    _ => return None,
                };
                Some((word, tail))
            });
            if let Some((word, tail)) = word {
                filled.push_str(&escape(word));
                rest = tail;
            } else {
                filled.push('{');
                rest = after;
            }
        }
        filled.push_str(rest);
        filled
    }

    fn fill_json(&self, template: &Value) -> Value {
        match template {
            Value::String(text) => Value::String(self.fill(text, str::to_owned)),
            Value::Array(items) => items.iter().map(|item| self.fill_json(item)).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| (name.clone(), self.fill_json(value)))
                .collect(),
            other => other.clone(),
        }
    }
}

/// Everything but unreserved characters (RFC 3986 §2.3) as %XX.
fn percent(text: &str) -> String {
    use std::fmt::Write as _;
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// The carrier.
pub struct HttpGateway {
    settings: GatewaySettings,
    channel: Channel,
    client: Client,
}

impl HttpGateway {
    /// A gateway for one channel. Fails on settings that cannot work.
    pub fn new(settings: GatewaySettings, channel: Channel) -> Result<Self, SetupError> {
        check(&settings, channel)?;
        let timeout = seconds(settings.timeout_seconds);
        let client = Client::builder()
            .tls_backend_preconfigured(client_config(settings.roots.as_deref())?)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(timeout)
            .connect_timeout(timeout.min(Duration::from_secs(3)))
            .pool_max_idle_per_host(8)
            .build()
            .map_err(|error| SetupError::Tls(error.to_string()))?;
        Ok(Self {
            settings,
            channel,
            client,
        })
    }

    fn request(&self, words: &Words<'_>) -> Result<reqwest::Request, SendError> {
        let rejected = || SendError::Permanent(Refusal::Rejected);
        let method = match self.settings.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
        };
        let url = words.fill(&self.settings.url, percent);
        let mut headers = HeaderMap::new();
        for (name, template) in &self.settings.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| rejected())?;
            let value = words.fill(template, str::to_owned);
            let mut value = HeaderValue::from_str(&value).map_err(|_| rejected())?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let request = self.client.request(method, url).headers(headers);
        let request = match &self.settings.body {
            BodyTemplate::None => request,
            BodyTemplate::Json(template) => request.json(&words.fill_json(template)),
            BodyTemplate::Form(fields) => {
                let filled: Vec<(&String, String)> = fields
                    .iter()
                    .map(|(name, template)| (name, words.fill(template, str::to_owned)))
                    .collect();
                request.form(&filled)
            }
        };
        request.build().map_err(|_| rejected())
    }

    fn judge(
        &self,
        status: StatusCode,
        retry_after: Option<Duration>,
        answer: Option<&Value>,
    ) -> Result<(), SendError> {
        if let Some(error) = self.named_error(answer) {
            return Err(error);
        }
        let taken = self.settings.success.statuses.contains(&status.as_u16());
        if taken {
            return match (&self.settings.success.pointer, answer) {
                (None, _) => Ok(()),
                // It said yes and then something we cannot read.
                (Some(_), None) => Err(SendError::Unknown {
                    code: "malformed_answer",
                }),
                (Some(pointer), Some(answer)) if self.says_yes(answer.pointer(pointer)) => Ok(()),
                (Some(_), Some(_)) => Err(not_now("not_taken")),
            };
        }
        Err(match status.as_u16() {
            429 => throttled(retry_after),
            503 if retry_after.is_some() => throttled(retry_after),
            401 | 403 | 407 => not_now("login_refused"),
            300..400 => not_now("redirected"),
            400..500 => SendError::Permanent(Refusal::Rejected),
            500..600 => not_now("gateway_error"),
            _ => not_now("unexpected_status"),
        })
    }

    fn says_yes(&self, found: Option<&Value>) -> bool {
        match (&self.settings.success.equals, found) {
            (Some(expected), Some(found)) => same(expected, found),
            (None, Some(found)) => !matches!(found, Value::Null | Value::Bool(false)),
            (_, None) => false,
        }
    }

    fn named_error(&self, answer: Option<&Value>) -> Option<SendError> {
        let map = &self.settings.errors;
        let code = answer?.pointer(map.pointer.as_deref()?)?;
        let among = |codes: &[Value]| codes.iter().any(|known| same(known, code));
        if among(&map.no_such_address) {
            Some(SendError::Permanent(Refusal::NoSuchAddress))
        } else if among(&map.rejected) {
            Some(SendError::Permanent(Refusal::Rejected))
        } else if among(&map.throttled) {
            Some(throttled(None))
        } else {
            None
        }
    }
}

#[async_trait]
impl Carrier for HttpGateway {
    async fn deliver(&self, message: &Outgoing) -> Result<Handed, SendError> {
        let Identifier::Phone(phone) = &message.to else {
            return Err(SendError::Permanent(Refusal::WrongChannel));
        };
        if message.body.channel() != self.channel {
            return Err(SendError::Permanent(Refusal::WrongChannel));
        }
        let (text, code) = match &message.body {
            Body::Sms { text } => (text.as_str(), ""),
            Body::Call { code } => ("", code.as_deref().unwrap_or_default()),
            Body::Email { .. } => return Err(SendError::Permanent(Refusal::WrongChannel)),
        };
        let reference = message.id.to_string();
        let request = self.request(&Words {
            to: phone.as_str(),
            text,
            code,
            reference: &reference,
            secret: self
                .settings
                .secret
                .as_ref()
                .map_or("", |secret| secret.expose_secret()),
        })?;
        let response = self
            .client
            .execute(request)
            .await
            .map_err(|error| judge_failure(&error))?;
        let status = response.status();
        let retry_after = retry_after(&response);
        let answer = read(response).await?;
        let answer: Option<Value> = serde_json::from_slice(&answer).ok();
        self.judge(status, retry_after, answer.as_ref())?;

        let at = |pointer: &Option<String>| {
            let found = answer.as_ref()?.pointer(pointer.as_deref()?)?;
            plain(found)
        };
        let calling_number = at(&self.settings.calling_number)
            .filter(|number| code_of_number(number, LONGEST_CODE).is_some());
        if matches!(message.body, Body::Call { code: None }) && calling_number.is_none() {
            // It may ring, but nobody will know the code.
            return Err(SendError::Unknown {
                code: "no_calling_number",
            });
        }
        Ok(Handed {
            reference: at(&self.settings.reference),
            calling_number,
        })
    }

    fn name(&self) -> &'static str {
        match self.channel {
            Channel::Call => "call_gateway",
            _ => "sms_gateway",
        }
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, SendError> {
    let mut answer = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| SendError::Unknown {
        code: "broken_answer",
    })? {
        answer.extend_from_slice(&chunk);
        if answer.len() > LONGEST_ANSWER {
            return Err(SendError::Unknown {
                code: "malformed_answer",
            });
        }
    }
    Ok(answer)
}

/// Seconds only: a date would need a clock that agrees with the gateway's.
fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}

fn throttled(retry_after: Option<Duration>) -> SendError {
    SendError::Transient {
        code: "throttled",
        retry_after: Some(retry_after.unwrap_or(THROTTLE_PAUSE).min(LONGEST_PUT_OFF)),
    }
}

const fn not_now(code: &'static str) -> SendError {
    SendError::Transient {
        code,
        retry_after: None,
    }
}

fn judge_failure(error: &reqwest::Error) -> SendError {
    if error.is_connect() {
        // TLS refusals are among these: nothing was sent.
        not_now("unreachable")
    } else if error.is_timeout() {
        SendError::Unknown { code: "no_answer" }
    } else if error.is_builder() {
        SendError::Permanent(Refusal::Rejected)
    } else {
        SendError::Unknown {
            code: "broken_answer",
        }
    }
}

/// Equal, or the same once as text and once as a number or a truth value.
pub(crate) fn same(one: &Value, other: &Value) -> bool {
    one == other || matches!((plain(one), plain(other)), (Some(one), Some(other)) if one == other)
}

/// A text, a number or a truth value as text.
pub(crate) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// The code that a calling number spells: its last `digits` digits.
pub fn code_of_number(number: &str, digits: usize) -> Option<String> {
    let all: Vec<char> = number.chars().filter(char::is_ascii_digit).collect();
    let start = all.len().checked_sub(digits)?;
    all.get(start..).map(|tail| tail.iter().collect())
}

fn check(settings: &GatewaySettings, channel: Channel) -> Result<(), SetupError> {
    let bad = |setting, why: &str| {
        Err(SetupError::Setting {
            setting,
            why: why.to_owned(),
        })
    };
    if channel == Channel::Email {
        return bad("url", "a gateway carries SMS or calls, not e-mail");
    }
    let origin_end = settings
        .url
        .find("://")
        .and_then(|at| at.checked_add(3))
        .and_then(|at| settings.url.get(at..))
        .map(|rest| rest.split(['/', '?', '#']).next().unwrap_or(rest));
    if origin_end.is_none_or(|host| host.contains('{')) {
        return bad("url", "words may stand in the path and the query only");
    }
    let sample = Words {
        to: "+70000000000",
        text: "x",
        code: "0",
        reference: "0",
        secret: "x",
    };
    let Ok(url) = Url::parse(&sample.fill(&settings.url, percent)) else {
        return bad("url", "not an address");
    };
    match (url.scheme(), url.host_str()) {
        ("https", Some(_)) => {}
        ("http", Some(host)) if is_loopback(host) => {}
        _ => return bad("url", "https, or http to this machine"),
    }
    for (name, template) in &settings.headers {
        if HeaderName::from_bytes(name.as_bytes()).is_err()
            || HeaderValue::from_str(&sample.fill(template, str::to_owned)).is_err()
        {
            return bad("headers", "not a header");
        }
    }
    if settings.timeout_seconds == 0 || settings.timeout_seconds > 60 {
        return bad("timeout_seconds", "1 to 60");
    }
    if settings
        .reports
        .as_ref()
        .is_some_and(|reports| reports.secret.expose_secret().len() < 16)
    {
        return bad("reports.secret", "at least 16 bytes");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: Words<'static> = Words {
        to: "+79001234567",
        text: "код {code} & \"ещё\"",
        code: "123456",
        reference: "r",
        secret: "s",
    };

    #[test]
    fn words_are_filled_in_once() {
        let plain = |template| WORDS.fill(template, str::to_owned);
        assert_eq!(
            plain("{to}|{to_digits}|{code}"),
            "+79001234567|79001234567|123456"
        );
        assert_eq!(plain("{text}"), "код {code} & \"ещё\"");
        assert_eq!(plain("{digits} {id} {reference}"), "79001234567 r r");
        assert_eq!(plain("{unknown} {to"), "{unknown} {to");
        assert_eq!(WORDS.fill("?to={to}", percent), "?to=%2B79001234567");
    }

    #[test]
    fn a_text_cannot_change_the_shape_of_json() {
        let template: Value = serde_json::json!({"a": [{"t": "{text}"}], "n": 1});
        let filled = WORDS.fill_json(&template);
        assert_eq!(filled["a"][0]["t"], "код {code} & \"ещё\"");
        assert_eq!(filled["n"], 1);
    }

    #[test]
    fn the_code_is_the_end_of_the_number() {
        assert_eq!(
            code_of_number("+7 (495) 123-45-67", 6).as_deref(),
            Some("234567")
        );
        assert_eq!(code_of_number("74951234567", 4).as_deref(), Some("4567"));
        assert_eq!(code_of_number("123", 4), None);
    }
}
