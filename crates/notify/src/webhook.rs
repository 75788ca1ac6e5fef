//! Delivery reports that a gateway sends to us (abuse case A24).
//!
//! The web layer hands the request here before it believes a word of it. A
//! report without a right signature changes nothing and is answered with 401.

use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use kernel::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use sha2::Sha256;

use crate::carrier::{DeliveryReport, FailureReason, ReportState};
use crate::http_gateway::{plain, same};
use crate::settings::WebhookSettings;

/// A report is believed this long after it was signed, and so much before, as
/// clocks differ. Inside that time a repeated report repeats an effect that is
/// already there.
pub const REPLAY_WINDOW_SECS: u64 = 300;

/// Why a report is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// The signature or the time is missing or unreadable: 401.
    #[error("the report is not signed")]
    Unsigned,
    /// The signature is wrong: 401.
    #[error("the signature is wrong")]
    BadSignature,
    /// Signed too long ago, or in the future: 401.
    #[error("the report is too old")]
    Stale,
    /// Signed rightly, but not what the settings describe: 422.
    #[error("the report cannot be read")]
    Malformed,
}

/// Believes a report or says why not. `now` is the present moment.
pub fn verify_report(
    headers: &HeaderMap,
    body: &[u8],
    settings: &WebhookSettings,
    now: Timestamp,
) -> Result<DeliveryReport, WebhookError> {
    verify_signed(headers, body, settings, now)?;
    read(body, settings, now).ok_or(WebhookError::Malformed)
}

/// Believes that a body is the gateway's, and of this moment, or says why not.
pub fn verify_signed(
    headers: &HeaderMap,
    body: &[u8],
    settings: &WebhookSettings,
    now: Timestamp,
) -> Result<(), WebhookError> {
    let header = |name: &str| {
        let mut all = headers.get_all(name).iter();
        match (all.next(), all.next()) {
            (Some(value), None) => value.to_str().map_err(|_| WebhookError::Unsigned),
            _ => Err(WebhookError::Unsigned),
        }
    };
    let signed_at = header(&settings.timestamp_header)?;
    let signature = header(&settings.signature_header)?;
    let signature = signature.strip_prefix("sha256=").unwrap_or(signature);
    let signature = hex::decode(signature).map_err(|_| WebhookError::Unsigned)?;

    let mut mac = Hmac::<Sha256>::new_from_slice(settings.secret.expose_secret().as_bytes())
        .map_err(|_| WebhookError::BadSignature)?;
    mac.update(signed_at.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.verify_slice(&signature)
        .map_err(|_| WebhookError::BadSignature)?;

    let moment: i64 = signed_at.parse().map_err(|_| WebhookError::Unsigned)?;
    if moment.abs_diff(now.as_secs()) > REPLAY_WINDOW_SECS {
        return Err(WebhookError::Stale);
    }
    Ok(())
}

fn read(body: &[u8], settings: &WebhookSettings, now: Timestamp) -> Option<DeliveryReport> {
    let report: Value = serde_json::from_slice(body).ok()?;
    let reference = plain(report.pointer(&settings.reference)?)?;
    let word = report.pointer(&settings.state)?;
    let among = |words: &[Value]| words.iter().any(|known| same(known, word));
    let state = if among(&settings.delivered) {
        ReportState::Delivered
    } else if among(&settings.failed) {
        ReportState::Failed(FailureReason::Undeliverable)
    } else {
        ReportState::Underway
    };
    Some(DeliveryReport {
        reference,
        state,
        at: now,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef";
    const BODY: &str = r#"{"id":17,"status":"delivered"}"#;

    fn settings() -> WebhookSettings {
        serde_json::from_value(serde_json::json!({
            "secret": SECRET, "reference": "/id", "state": "/status",
            "delivered": ["delivered"], "failed": ["failed"],
        }))
        .unwrap()
    }

    fn sign(secret: &str, at: &str, body: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("{at}.{body}").as_bytes());
        hex::encode(mac.finalize().into_bytes())
    }

    fn verify(at: &str, signature: &str, body: &str) -> Result<DeliveryReport, WebhookError> {
        let mut headers = HeaderMap::new();
        headers.insert("x-timestamp", at.parse().unwrap());
        headers.insert("x-signature", signature.parse().unwrap());
        verify_report(
            &headers,
            body.as_bytes(),
            &settings(),
            Timestamp::from_secs(1000),
        )
    }

    #[test]
    fn a_signed_report_is_read() {
        for prefix in ["", "sha256="] {
            let signature = format!("{prefix}{}", sign(SECRET, "1000", BODY));
            let report = verify("1000", &signature, BODY).unwrap();
            assert_eq!(report.reference, "17");
            assert_eq!(report.state, ReportState::Delivered);
        }
        let other = BODY.replace("delivered", "queued");
        let report = verify("1000", &sign(SECRET, "1000", &other), &other).unwrap();
        assert_eq!(report.state, ReportState::Underway);
    }

    /// A24: a forged, changed or replayed report is not believed.
    #[test]
    fn a_forged_report_is_refused() {
        use WebhookError::{BadSignature, Malformed, Stale, Unsigned};
        let right = sign(SECRET, "1000", BODY);
        let changed = BODY.replace("delivered", "failed");
        for (at, signature, body, error) in [
            (
                "1000",
                sign("another secret....", "1000", BODY),
                BODY,
                BadSignature,
            ),
            ("1000", right.clone(), changed.as_str(), BadSignature),
            ("1001", right.clone(), BODY, BadSignature),
            ("1000", right[2..].to_owned(), BODY, BadSignature),
            ("1000", String::new(), BODY, BadSignature),
            ("1000", "zz".to_owned(), BODY, Unsigned),
            ("699", sign(SECRET, "699", BODY), BODY, Stale),
            ("1301", sign(SECRET, "1301", BODY), BODY, Stale),
            ("x", sign(SECRET, "x", BODY), BODY, Unsigned),
            ("1000", sign(SECRET, "1000", "{}"), "{}", Malformed),
            ("1000", sign(SECRET, "1000", "\u{0}"), "\u{0}", Malformed),
        ] {
            assert_eq!(verify(at, &signature, body), Err(error), "{at} {body}");
        }
        let none = verify_report(
            &HeaderMap::new(),
            BODY.as_bytes(),
            &settings(),
            Timestamp::from_secs(1000),
        );
        assert_eq!(none, Err(Unsigned));
    }

    #[test]
    fn two_signatures_are_none() {
        let mut headers = HeaderMap::new();
        headers.insert("x-timestamp", "1000".parse().unwrap());
        headers.append("x-signature", sign(SECRET, "1000", BODY).parse().unwrap());
        headers.append("x-signature", "00".parse().unwrap());
        let refused = verify_report(
            &headers,
            BODY.as_bytes(),
            &settings(),
            Timestamp::from_secs(1000),
        );
        assert_eq!(refused, Err(WebhookError::Unsigned));
    }
}
