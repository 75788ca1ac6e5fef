//! Forms: read with limits, checked for the token of our own pages, kept as typed.

use axum::{body::Bytes, extract::FromRequest, extract::Request};
use http::{StatusCode, header};
use sha2::{Digest, Sha256};

use crate::{page::errors::ErrorKind, respond::PageError, visit::Visit};

/// Most fields a form may have (A107).
const FIELDS_MAX: usize = 100;
/// Longest form, bytes.
const BYTES_MAX: usize = 64 * 1024;

/// A form of one of our own pages: its token has been checked.
#[derive(Debug)]
pub struct Form {
    fields: Vec<(String, String)>,
    hash: [u8; 32],
}

impl Form {
    /// A field's text as typed; empty when it is not there.
    pub fn text(&self, name: &str) -> &str {
        self.fields
            .iter()
            .find(|(n, _)| n == name)
            .map_or("", |(_, value)| value.as_str())
    }

    /// Every value of a field that may stand several times (check boxes).
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields
            .iter()
            .filter(move |(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether a box is ticked.
    pub fn is_ticked(&self, name: &str) -> bool {
        !self.text(name).is_empty()
    }

    /// Names this very form with this very content: sent twice, it happens once (EV-3); corrected and sent
    /// again, it is another command.
    pub fn once(&self) -> [u8; 32] {
        self.hash
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = PageError;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let visit = request.extensions().get::<Visit>().cloned();
        let visit = visit.ok_or_else(|| PageError::internal("a form outside of the guard"))?;
        let kind = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|v| v.to_str().ok());
        let kind = kind
            .and_then(|kind| kind.split(';').next())
            .unwrap_or_default()
            .trim();
        if kind != "application/x-www-form-urlencoded" {
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(PageError::status(status, ErrorKind::BadRequest));
        }
        let too_large = |_| PageError::kind(ErrorKind::TooLarge);
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(too_large)?;
        let form = Self::parse(&bytes)?;
        if visit.is_ours(form.text("csrf")) {
            Ok(form)
        } else {
            Err(PageError::kind(ErrorKind::Forbidden))
        }
    }
}

impl Form {
    fn parse(bytes: &[u8]) -> Result<Self, PageError> {
        if bytes.len() > BYTES_MAX {
            return Err(PageError::kind(ErrorKind::TooLarge));
        }
        if bytes.split(|byte| *byte == b'&').count() > FIELDS_MAX {
            return Err(PageError::kind(ErrorKind::TooLarge));
        }
        // Percent-encoded bytes of another encoding are no text; they are refused, not guessed.
        let fields: Vec<(String, String)> = serde_urlencoded::from_bytes(bytes)
            .map_err(|_| PageError::kind(ErrorKind::BadRequest))?;
        let foreign = fields.iter().any(|(_, value)| value.contains('\u{fffd}'));
        if foreign {
            return Err(PageError::kind(ErrorKind::BadRequest));
        }
        Ok(Self {
            fields,
            hash: Sha256::digest(bytes).into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_kept_as_typed() {
        let form = Form::parse("a=1&b=%D0%B0+b&a=2".as_bytes()).unwrap();
        assert_eq!(
            (form.text("a"), form.text("b"), form.text("c")),
            ("1", "а b", "")
        );
        assert_eq!(form.all("a").collect::<Vec<_>>(), ["1", "2"]);
    }

    /// A12, A107: another encoding, too many fields, too many bytes.
    #[test]
    fn what_is_no_form_is_refused() {
        assert!(Form::parse(b"a=%CF%F0%E8%E2%E5%F2").is_err(), "cp1251");
        assert!(Form::parse("a=1&".repeat(101).as_bytes()).is_err());
        assert!(Form::parse(&vec![b'a'; BYTES_MAX + 1]).is_err());
    }
}
