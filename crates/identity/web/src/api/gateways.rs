//! Delivery reports that gateways send (A24): believed only with a right signature.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Extension,
    body::Body,
    extract::{Path, State as With},
};
use http::{HeaderMap, StatusCode};
use notify::{
    Keeper, Reports,
    settings::WebhookSettings,
    webhook::{WebhookError, verify_report},
};

use super::{
    problems::Code,
    request::{Answer, read},
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
