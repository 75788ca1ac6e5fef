//! From the operator's configuration to carriers, texts and webhooks.

use std::collections::BTreeMap;
use std::sync::Arc;

use config::{CallSettings, EmailSettings, Settings, SmsSettings};
use db::Db;
use http::HeaderMap;
use kernel::Clock;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::carrier::{Carrier, Channel, Reports as _};
use crate::deliver::Ways;
use crate::http_gateway::HttpGateway;
use crate::outbox::Keeper;
use crate::settings::{
    BodyTemplate, ErrorMap, GatewaySettings, LongTexts, Method, ReceiptIds, SmppSettings,
    SmtpSecurity, SmtpSettings, SuccessRule, WebhookSettings,
};
use crate::smpp::{Link, Smpp};
use crate::smtp::Smtp;
use crate::texts::{Composer, TextSettings};
use crate::tls::SetupError;
use crate::webhook::{self, WebhookError};

/// The ways out that the configuration describes.
pub struct Carriers {
    /// For [`crate::Courier`] and for pages that ask what to offer.
    pub ways: Ways,
    /// Connections that the binary has to run ([`Link::run`]).
    pub links: Vec<Link>,
    /// Delivery reports of gateways, for the web layer.
    pub webhooks: Webhooks,
}

/// Makes the carriers. Fails on settings that cannot work, before anything is
/// served.
pub fn carriers(
    settings: &Settings,
    db: &Db,
    clock: &Arc<dyn Clock>,
) -> Result<Carriers, SetupError> {
    let mut all: Vec<(Channel, Arc<dyn Carrier>)> = Vec::new();
    let mut links = Vec::new();
    let mut reports = BTreeMap::new();
    let mut gateway = |gateway: &config::HttpGateway, channel| {
        let settings = gateway_settings(gateway)?;
        let webhook = settings.reports.clone();
        let carrier = HttpGateway::new(settings, channel)?;
        if let Some(webhook) = webhook {
            reports.insert(carrier.name(), webhook);
        }
        Ok::<Arc<dyn Carrier>, SetupError>(Arc::new(carrier))
    };
    match &settings.sms {
        SmsSettings::None => {}
        SmsSettings::Http(described) => {
            all.push((Channel::Sms, gateway(described, Channel::Sms)?));
        }
        SmsSettings::Smpp(centre) => {
            let keeper = Arc::new(Keeper::new(db.clone(), "smpp"));
            let (carrier, link) = Smpp::new(smpp_settings(centre), Arc::clone(clock), keeper)?;
            all.push((Channel::Sms, Arc::new(carrier)));
            links.push(link);
        }
    }
    if let CallSettings::Http(described) = &settings.call {
        all.push((Channel::Call, gateway(described, Channel::Call)?));
    }
    if let EmailSettings::Smtp(server) = &settings.email {
        let carrier = Smtp::new(&smtp_settings(server), Arc::clone(clock))?;
        all.push((Channel::Email, Arc::new(carrier)));
    }
    Ok(Carriers {
        ways: Ways::new(all),
        links,
        webhooks: Webhooks {
            db: db.clone(),
            clock: Arc::clone(clock),
            known: reports,
        },
    })
}

/// Makes the composer. Fails on settings that cannot work.
pub fn composer(settings: &Settings) -> Result<Composer, SetupError> {
    let mut texts = TextSettings::new(&settings.server.public_origin);
    let company = settings.privacy.company_name.trim();
    // A longer name would cost a part of every SMS.
    if (1..=16).contains(&company.chars().count()) {
        company.clone_into(&mut texts.brand_ru);
        company.clone_into(&mut texts.brand_en);
    }
    Composer::new(&texts)
}

/// Takes the delivery reports of gateways, for the web layer to call.
#[derive(Clone)]
pub struct Webhooks {
    db: Db,
    clock: Arc<dyn Clock>,
    known: BTreeMap<&'static str, WebhookSettings>,
}

/// Why a report was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportRefused {
    /// No carrier of this name sends reports: 404.
    #[error("no carrier of this name sends reports")]
    Unknown,
    /// It is not believed: 401, or 422 when it cannot be read.
    #[error(transparent)]
    NotBelieved(#[from] WebhookError),
    /// It could not be kept; the gateway may try again: 503.
    #[error("the report could not be kept")]
    NotKept,
}

impl Webhooks {
    /// Takes one report of the carrier with this name (`sms_gateway`,
    /// `call_gateway`), if it is rightly signed (A24).
    pub async fn take(
        &self,
        carrier: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(), ReportRefused> {
        let (name, settings) = self
            .known
            .get_key_value(carrier)
            .ok_or(ReportRefused::Unknown)?;
        let report = webhook::verify_report(headers, body, settings, self.clock.now())?;
        Keeper::new(self.db.clone(), name)
            .delivery(report)
            .await
            .map_err(|_| ReportRefused::NotKept)
    }
}

fn smpp_settings(centre: &config::SmppSettings) -> SmppSettings {
    SmppSettings {
        host: centre.host.clone(),
        port: centre.port,
        tls: centre.tls,
        roots: None,
        system_id: centre.system_id.clone(),
        password: centre.password.clone(),
        system_type: centre.system_type.clone(),
        sender: centre.source.clone(),
        messages_per_second: centre.messages_per_second,
        window: 10,
        answer_seconds: centre.response_timeout.as_secs().max(1),
        enquire_link_seconds: centre.enquire_link.as_secs().max(1),
        long_texts: LongTexts::default(),
        receipt_ids: ReceiptIds::default(),
    }
}

fn smtp_settings(server: &config::SmtpSettings) -> SmtpSettings {
    SmtpSettings {
        host: server.host.clone(),
        port: Some(server.port),
        security: match server.tls {
            config::Tls::Starttls => SmtpSecurity::Starttls,
            config::Tls::Implicit => SmtpSecurity::Tls,
            config::Tls::None => SmtpSecurity::None,
        },
        roots: None,
        user: (!server.username.is_empty()).then(|| server.username.clone()),
        password: server.password.clone(),
        from: server.from.clone(),
        reply_to: None,
        hello: None,
        connections: 4,
        timeout_seconds: server.timeout.as_secs().max(1),
    }
}

fn gateway_settings(gateway: &config::HttpGateway) -> Result<GatewaySettings, SetupError> {
    let mut headers: BTreeMap<String, String> = gateway
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), value.expose_secret().to_owned()))
        .collect();
    let pointer = |text: &String| (!text.is_empty()).then(|| text.clone());
    let body = body_template(gateway)?;
    if !matches!(body, BodyTemplate::None) {
        // Set by the kind of body.
        headers.retain(|name, _| !name.eq_ignore_ascii_case("content-type"));
    }
    let (lowest, highest) = gateway.success.status;
    Ok(GatewaySettings {
        url: gateway.url.expose_secret().to_owned(),
        method: match gateway.method {
            config::Method::Get => Method::Get,
            config::Method::Post => Method::Post,
        },
        headers,
        secret: None,
        body,
        success: SuccessRule {
            statuses: (lowest..=highest).collect(),
            pointer: pointer(&gateway.success.pointer),
            equals: pointer(&gateway.success.equals).map(Value::String),
        },
        reference: pointer(&gateway.success.id_pointer),
        calling_number: pointer(&gateway.success.caller_pointer),
        errors: ErrorMap::default(),
        timeout_seconds: gateway.timeout.as_secs().clamp(1, 60),
        roots: None,
        reports: gateway.report_secret.as_ref().map(report_format),
    })
}

/// The template as data, so that no text can change the shape of the body.
fn body_template(gateway: &config::HttpGateway) -> Result<BodyTemplate, SetupError> {
    let bad = |why: &str| SetupError::Setting {
        setting: "body",
        why: why.to_owned(),
    };
    if gateway.body.is_empty() {
        return Ok(BodyTemplate::None);
    }
    match gateway.content_type.as_str() {
        "application/json" => serde_json::from_str(&gateway.body)
            .map(BodyTemplate::Json)
            .map_err(|_| bad("not JSON; words stand inside strings: \"{code}\"")),
        "application/x-www-form-urlencoded" => gateway
            .body
            .split('&')
            .map(|field| {
                let (name, value) = field.split_once('=')?;
                Some((name.to_owned(), value.to_owned()))
            })
            .collect::<Option<_>>()
            .map(BodyTemplate::Form)
            .ok_or_else(|| bad("not a form: name={to}&text={text}")),
        _ => Err(bad(
            "content_type is application/json or application/x-www-form-urlencoded",
        )),
    }
}

/// The report format we ask of gateways: `{"id": …, "status": …}`, signed as
/// [`webhook`] says.
fn report_format(secret: &SecretString) -> WebhookSettings {
    let words = |words: &[&str]| words.iter().map(|word| Value::from(*word)).collect();
    WebhookSettings {
        secret: secret.clone(),
        timestamp_header: crate::settings::timestamp_header(),
        signature_header: crate::settings::signature_header(),
        reference: "/id".to_owned(),
        state: "/status".to_owned(),
        delivered: words(&["delivered"]),
        failed: words(&[
            "failed",
            "undelivered",
            "undeliverable",
            "expired",
            "rejected",
        ]),
    }
}
