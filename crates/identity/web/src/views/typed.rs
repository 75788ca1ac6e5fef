//! Documents as they were typed. They are shown to the person who typed them and never printed otherwise.

/// A document's number as typed.
#[derive(Clone, Default)]
pub struct TypedNumber(pub String);

impl std::fmt::Debug for TypedNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Documents do not reach a log by way of Debug.
        f.write_str("TypedNumber(…)")
    }
}

/// A passport as typed.
#[derive(Clone, Default)]
pub struct PassportForm {
    /// Series and number.
    pub number: String,
    /// Date of issue.
    pub issued_on: String,
    /// Who issued it.
    pub issuer: String,
    /// Department code.
    pub department: String,
}

impl std::fmt::Debug for PassportForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Documents do not reach a log by way of Debug.
        f.write_str("PassportForm(…)")
    }
}

impl PassportForm {
    /// That of a person who does not exist.
    pub(super) fn sample() -> Self {
        Self {
            number: "92 10 123434".to_owned(),
            issued_on: "03.06.2010".to_owned(),
            issuer: "ОУФМС России по Республике Татарстан".to_owned(),
            department: "160-001".to_owned(),
        }
    }
}
