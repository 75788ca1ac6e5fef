//! The ways out that the operator described, set up.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use config::{CallSettings, EmailSettings, Settings, SmsSettings};
use identity_core::challenge::Channel as WayOut;
use identity_web::api::{Gateway, Gateways};
use notify::settings as theirs;
use notify::simulated::SimulatedPhone;
use notify::smpp::{Link, Smpp};
use notify::{Carrier, Channel, Keeper, SetupError, Ways};
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::failure::Failure;
use crate::house::House;

/// Every way out of this installation.
#[derive(Default)]
pub(crate) struct Carriers {
    list: Vec<(Channel, Arc<dyn Carrier>)>,
    /// Lines that have to be kept up as long as the server runs.
    links: Vec<Link>,
    /// Gateways that report what became of messages, by the name in their path.
    reports: Vec<(String, Gateway)>,
}

impl Carriers {
    /// The simulated phone on every channel.
    pub(crate) fn simulated(phone: &SimulatedPhone) -> Self {
        let list = Channel::ALL
            .into_iter()
            .map(|channel| (channel, Arc::new(phone.clone()) as Arc<dyn Carrier>))
            .collect();
        Self {
            list,
            ..Self::default()
        }
    }

    /// What the settings describe. Connects to nothing yet.
    pub(crate) fn of(house: &House) -> Result<Self, Failure> {
        let mut carriers = Self::default();
        let named = |section: &'static str| {
            move |error: SetupError| Failure::refused(format!("the section [{section}]: {error}"))
        };
        match &house.settings.sms {
            SmsSettings::None => {}
            SmsSettings::Smpp(settings) => carriers.smpp(house, settings).map_err(named("sms"))?,
            SmsSettings::Http(gateway) => {
                carriers
                    .gateway(house, Channel::Sms, gateway)
                    .map_err(named("sms"))?;
            }
        }
        if let CallSettings::Http(gateway) = &house.settings.call {
            carriers
                .gateway(house, Channel::Call, gateway)
                .map_err(named("call"))?;
        }
        if let EmailSettings::Smtp(settings) = &house.settings.email {
            let smtp = notify::smtp::Smtp::new(&smtp(settings), Arc::clone(&house.clock));
            carriers
                .list
                .push((Channel::Email, Arc::new(smtp.map_err(named("email"))?)));
        }
        Ok(carriers)
    }

    /// The ways, for the courier.
    pub(crate) fn ways(&self) -> Ways {
        Ways::new(self.list.clone())
    }

    /// The gateways whose reports are taken at `/api/v1/gateway-reports/<sms or call>`.
    pub(crate) fn gateways(&mut self) -> Gateways {
        Gateways::new(std::mem::take(&mut self.reports))
    }

    /// Work that keeps lines up, each until its stop.
    pub(crate) fn links(
        self,
        stop: impl Fn() -> Pin<Box<dyn Future<Output = ()> + Send>>,
    ) -> Vec<impl Future<Output = ()> + Send> {
        self.links
            .into_iter()
            .map(|link| link.run(stop()))
            .collect()
    }

    fn smpp(&mut self, house: &House, settings: &config::SmppSettings) -> Result<(), SetupError> {
        let keeper = Keeper::new(house.db.clone(), "smpp");
        let clock = Arc::clone(&house.clock);
        let (carrier, link) = Smpp::new(smpp(settings), clock, Arc::new(keeper))?;
        self.list.push((Channel::Sms, Arc::new(carrier)));
        self.links.push(link);
        Ok(())
    }

    fn gateway(
        &mut self,
        house: &House,
        channel: Channel,
        settings: &config::HttpGateway,
    ) -> Result<(), SetupError> {
        let settings = gateway(settings)?;
        let reports = settings.reports.clone();
        let carrier = notify::http_gateway::HttpGateway::new(settings, channel)?;
        if let Some(settings) = reports {
            let keeper = Keeper::new(house.db.clone(), carrier.name());
            self.reports
                .push((channel.name().to_owned(), Gateway { settings, keeper }));
        }
        self.list.push((channel, Arc::new(carrier)));
        Ok(())
    }
}

/// The ways a code may take here.
pub(crate) fn channels(settings: &Settings, is_demo: bool) -> Vec<WayOut> {
    let sms = !matches!(settings.sms, SmsSettings::None);
    let call = !matches!(settings.call, CallSettings::None);
    let email = !matches!(settings.email, EmailSettings::None);
    let all = [
        (WayOut::Sms, sms),
        (WayOut::Call, call),
        (WayOut::Email, email),
    ];
    let there = all.into_iter().filter(|(_, is_there)| *is_there || is_demo);
    there.map(|(way, _)| way).collect()
}

/// Whether the call gateway chooses the number that rings, so that the code is learnt from its answer.
pub(crate) fn calls_learnt(settings: &CallSettings) -> bool {
    match settings {
        CallSettings::None => false,
        CallSettings::Http(gateway) => !gateway.success.caller_pointer.is_empty(),
    }
}

/// Whole seconds, at least one.
fn seconds(span: Duration) -> u64 {
    span.as_secs().max(1)
}

fn smpp(ours: &config::SmppSettings) -> theirs::SmppSettings {
    theirs::SmppSettings {
        host: ours.host.clone(),
        port: ours.port,
        tls: ours.tls,
        roots: None,
        system_id: ours.system_id.clone(),
        password: ours.password.clone(),
        system_type: ours.system_type.clone(),
        sender: ours.source.clone(),
        messages_per_second: ours.messages_per_second,
        window: 10,
        answer_seconds: seconds(ours.response_timeout),
        enquire_link_seconds: seconds(ours.enquire_link),
        long_texts: theirs::LongTexts::default(),
        receipt_ids: theirs::ReceiptIds::default(),
    }
}

fn smtp(ours: &config::SmtpSettings) -> theirs::SmtpSettings {
    theirs::SmtpSettings {
        host: ours.host.clone(),
        port: Some(ours.port),
        security: match ours.tls {
            config::Tls::Starttls => theirs::SmtpSecurity::Starttls,
            config::Tls::Implicit => theirs::SmtpSecurity::Tls,
            config::Tls::None => theirs::SmtpSecurity::None,
        },
        roots: None,
        user: Some(ours.username.clone()).filter(|user| !user.is_empty()),
        password: ours.password.clone(),
        from: ours.from.clone(),
        reply_to: None,
        hello: None,
        connections: 4,
        timeout_seconds: seconds(ours.timeout),
    }
}

fn gateway(ours: &config::HttpGateway) -> Result<theirs::GatewaySettings, SetupError> {
    let headers = ours.headers.iter();
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let (lowest, highest) = ours.success.status;
    Ok(theirs::GatewaySettings {
        url: their_words(ours.url.expose_secret()),
        method: match ours.method {
            config::Method::Post => theirs::Method::Post,
            config::Method::Get => theirs::Method::Get,
        },
        headers: headers
            .map(|(name, value)| (name.clone(), their_words(value.expose_secret())))
            .collect(),
        secret: None,
        body: body(ours)?,
        success: theirs::SuccessRule {
            statuses: (lowest..=highest).collect(),
            pointer: some(&ours.success.pointer),
            equals: some(&ours.success.equals).map(|text| plain_value(&text)),
        },
        reference: some(&ours.success.id_pointer),
        calling_number: some(&ours.success.caller_pointer),
        errors: theirs::ErrorMap::default(),
        timeout_seconds: seconds(ours.timeout),
        roots: None,
        reports: ours.report_secret.clone().map(reports),
    })
}

/// The form of a delivery report: `{"id": …, "state": "delivered" | "failed" | …}`, signed.
fn reports(secret: secrecy::SecretString) -> theirs::WebhookSettings {
    let words = |list: &[&str]| list.iter().map(|word| Value::from(*word)).collect();
    theirs::WebhookSettings {
        secret,
        timestamp_header: "x-timestamp".to_owned(),
        signature_header: "x-signature".to_owned(),
        reference: "/id".to_owned(),
        state: "/state".to_owned(),
        delivered: words(&["delivered"]),
        failed: words(&["failed", "undelivered", "expired", "rejected"]),
    }
}

fn body(ours: &config::HttpGateway) -> Result<theirs::BodyTemplate, SetupError> {
    if ours.body.is_empty() {
        return Ok(theirs::BodyTemplate::None);
    }
    let wrong = |why: &str| SetupError::Setting {
        setting: "body",
        why: why.to_owned(),
    };
    let template = their_words(&ours.body);
    if ours.content_type == "application/x-www-form-urlencoded" {
        let fields = serde_urlencoded::from_str(&template).map_err(|_| wrong("not a form"))?;
        return Ok(theirs::BodyTemplate::Form(fields));
    }
    let value = serde_json::from_str(&template)
        .map_err(|_| wrong("not JSON; words like {text} stand inside of its strings"))?;
    Ok(theirs::BodyTemplate::Json(value))
}

/// The configuration's words for what is filled in, as the carrier knows them.
fn their_words(template: &str) -> String {
    template
        .replace("{to_digits}", "{digits}")
        .replace("{id}", "{reference}")
}

/// A number, true or false where the text is one; a text otherwise.
fn plain_value(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value @ (Value::Bool(_) | Value::Number(_))) => value,
        _ => Value::from(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(body: &str, kind: &str) -> config::HttpGateway {
        let text = format!(
            "url = 'https://sms.example/send?to={{to_digits}}'\nbody = '{body}'\ncontent_type = '{kind}'"
        );
        toml::from_str(&text).unwrap()
    }

    #[test]
    fn a_gateway_keeps_its_words() {
        let made = gateway(&ours(r#"{"n":"{id}","t":["{text}"]}"#, "application/json")).unwrap();
        assert_eq!(made.url, "https://sms.example/send?to={digits}");
        let theirs::BodyTemplate::Json(body) = made.body else {
            panic!("JSON was asked for")
        };
        assert_eq!(
            body,
            serde_json::json!({"n": "{reference}", "t": ["{text}"]})
        );
    }

    #[test]
    fn a_form_keeps_its_fields() {
        let made = gateway(&ours(
            "to={to}&text={text}",
            "application/x-www-form-urlencoded",
        ))
        .unwrap();
        let theirs::BodyTemplate::Form(fields) = made.body else {
            panic!("a form was asked for")
        };
        assert_eq!(fields.get("text").map(String::as_str), Some("{text}"));
    }

    #[test]
    fn a_body_that_is_no_json_is_refused() {
        let error = gateway(&ours("{text}", "application/json")).unwrap_err();
        assert!(error.to_string().contains("`body`"), "{error}");
    }
}
