//! What gateways send: delivery reports (A24), and signals that a number has changed (ID-8a). Believed only with a
//! right signature.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Extension,
    body::Body,
    extract::{Path, State as With},
};
use http::{HeaderMap, HeaderValue, StatusCode};
use identity_service::number::Reason;
use kernel::Phone;
use notify::{
    Keeper, Reports,
    settings::WebhookSettings,
    webhook::{WebhookError, verify_report, verify_signed},
};
use serde::Deserialize;
use utoipa::ToSchema;
use webkit::{once::OnceKey, visit::Visit};

use super::{
    problems::Code,
    request::{Answer, done, read},
};
use crate::state::State;

/// Longest report, bytes.
const REPORT_MAX: usize = 64 * 1024;

/// How the reports of one gateway are known and where they go.
pub struct Gateway {
    /// How its reports are signed and read.
    pub settings: WebhookSettings,
    /// Keeps them.
    pub keeper: Keeper,
}

/// The gateways that send reports, by the name in their path. Put into the requests as an [`Extension`];
/// without it there are none.
#[derive(Clone, Default)]
pub struct Gateways(Arc<BTreeMap<String, Gateway>>);

impl Gateways {
    /// From the gateways that are set up.
    pub fn new(gateways: impl IntoIterator<Item = (String, Gateway)>) -> Self {
        Self(Arc::new(gateways.into_iter().collect()))
    }
}

/// A gateway's report on a message
///
/// Signed as its settings say: HMAC-SHA256 over the time, a dot and the body.
#[utoipa::path(post, path = "/gateway-reports/{gateway}", tag = "gateways",
    params(("gateway" = String, Path, description = "The gateway's name in the configuration")),
    request_body(content = serde_json::Value, content_type = "application/json",
        description = "What the gateway sends; which of it is read is configured"),
    responses((status = 204, description = "Kept"), super::document::Problems::<401>))]
pub(super) async fn report(
    With(state): With<State>,
    Path(gateway): Path<String>,
    gateways: Option<Extension<Gateways>>,
    headers: HeaderMap,
    body: Body,
) -> Answer<StatusCode> {
    let Extension(gateways) = gateways.unwrap_or_default();
    let gateway = gateways.0.get(&gateway).ok_or(Code::NotFound)?;
    let body = read(body, REPORT_MAX).await?;
    let now = state.site.clock.now();
    let report =
        verify_report(&headers, &body, &gateway.settings, now).map_err(|error| match error {
            WebhookError::Unsigned | WebhookError::BadSignature | WebhookError::Stale => {
                Code::ReportUnsigned
            }
            WebhookError::Malformed => Code::ReportUnreadable,
        })?;
    gateway
        .keeper
        .delivery(report)
        .await
        .map_err(|_| Code::Unavailable)?;
    Ok(StatusCode::NO_CONTENT)
}

/// What an operator knows of a number.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignalReason {
    /// Another SIM card.
    SimChanged,
    /// Another operator.
    Ported,
    /// Given to another person.
    Recycled,
}

/// A number has changed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NumberSignal {
    /// The number.
    #[schema(max_length = 32, example = "+79001234567")]
    phone: String,
    /// How.
    reason: SignalReason,
}

/// An operator's signal that a number has changed
///
/// Signed as delivery reports are. From then on the number is a name, no longer a key, until a stronger factor was
/// shown beside it. The answer is the same whether or not anybody has it here.
#[utoipa::path(post, path = "/number-signals/{gateway}", tag = "gateways",
    params(("gateway" = String, Path, description = "The gateway's name in the configuration")),
    request_body = NumberSignal,
    responses((status = 204, description = "Kept"), super::document::Problems::<401>))]
pub(super) async fn number_signal(
    With(state): With<State>,
    visit: Visit,
    Path(name): Path<String>,
    gateways: Option<Extension<Gateways>>,
    headers: HeaderMap,
    body: Body,
) -> Answer<StatusCode> {
    let Extension(gateways) = gateways.unwrap_or_default();
    let gateway = gateways.0.get(&name).ok_or(Code::NotFound)?;
    let body = read(body, REPORT_MAX).await?;
    let now = state.site.clock.now();
    verify_signed(&headers, &body, &gateway.settings, now).map_err(|_| Code::ReportUnsigned)?;
    let signal: NumberSignal = serde_json::from_slice(&body).map_err(|_| Code::ReportUnreadable)?;
    let phone = Phone::parse(&signal.phone).map_err(|_| Code::ReportUnreadable)?;
    let reason = match signal.reason {
        SignalReason::SimChanged => Reason::SimChanged,
        SignalReason::Ported => Reason::Ported,
        SignalReason::Recycled => Reason::Recycled,
    };
    // A signal that comes again inside of its time must not doubt anew what its owner has cleared meanwhile.
    let signed_at = headers
        .get(&gateway.settings.timestamp_header)
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    let request = vault::token_hash(&[signed_at, b".", body.as_ref()].concat());
    let key = OnceKey {
        scope: format!("number-signals {name}").into_bytes(),
        key: hex::encode(request),
        request,
    };
    done(
        state
            .number_signal(key, &visit.visitor, phone, reason)
            .await?,
    )?;
    Ok(StatusCode::NO_CONTENT)
}
