//! Every code the API can answer with. A program switches on them, so they are listed in the document and in
//! `docs/ERRORS.md`, and none is ever given another meaning.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use kernel::Timestamp;
use webkit::problem::Problem;

use crate::state::Fault;

macro_rules! codes {
    ($($name:ident = $code:literal $status:ident $title:literal;)+) => {
        /// What is wrong with a request.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code {
            $(#[doc = $title] $name,)+
        }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stable code.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            /// The status it goes with.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status),+ }
            }

            /// What it is, in English.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title),+ }
            }
        }
    };
}

codes! {
    BadRequest = "bad_request" BAD_REQUEST "The request cannot be read";
    JsonInvalid = "json_invalid" BAD_REQUEST "The body is not JSON";
    KeyMissing = "idempotency_key_missing" BAD_REQUEST "This needs the header Idempotency-Key";
    KeyInvalid = "idempotency_key_invalid" BAD_REQUEST "Idempotency-Key has 1 to 128 visible ASCII characters";
    FlowMissing = "flow_missing" BAD_REQUEST "This needs the header Kabinet-Flow";
    HeaderInvalid = "header_invalid" BAD_REQUEST "A header is not what it must be";
    Unauthorized = "unauthorized" UNAUTHORIZED "Sign in to do this";
    ReportUnsigned = "report_unsigned" UNAUTHORIZED "The report is not signed by the gateway";
    Forbidden = "forbidden" FORBIDDEN "Not allowed";
    StepUpNeeded = "step_up_needed" FORBIDDEN "This needs a proof first: see the step";
    Frozen = "frozen" FORBIDDEN "The account is frozen: lift the freeze first";
    CodesClosed = "codes_closed" FORBIDDEN "Codes are closed for this identifier until a stronger factor is shown";
    PasskeySuspected = "passkey_suspected" FORBIDDEN "There may be a copy of this passkey: use another way";
    PasswordClosed = "password_closed" FORBIDDEN "The password is closed after too many wrong ones: set it anew";
    NotThisBrowser = "not_this_browser" FORBIDDEN "The signature is not by this browser's key, or its challenge is over";
    CodeFirst = "code_first" FORBIDDEN "Show a code to the phone for this step first";
    NotFound = "not_found" NOT_FOUND "Nothing is here";
    FlowNotFound = "flow_not_found" NOT_FOUND "No code was asked for in this flow";
    CeremonyOver = "ceremony_over" NOT_FOUND "The challenge was used, has run out, or never was";
    StepOver = "step_over" NOT_FOUND "The step was used, has run out, or never was";
    CaseNotFound = "case_not_found" NOT_FOUND "This flow works on no recovery case that is open, or no case has this number and phone";
    LinkOver = "link_over" NOT_FOUND "The link was used, has run out, or never was";
    MethodNotAllowed = "method_not_allowed" METHOD_NOT_ALLOWED "Not with this method";
    RequestTimeout = "request_timeout" REQUEST_TIMEOUT "The body did not arrive in time";
    Conflict = "conflict" CONFLICT "It has changed meanwhile";
    EmailPresent = "email_present" CONFLICT "The account has a confirmed address already";
    NumberInUse = "number_in_use" CONFLICT "The number leads to another account: sign in to that one, or prove another number";
    OwnAlready = "own_already" CONFLICT "It is the account's own already, or the account has none of this kind";
    ChangeWaits = "change_waits" CONFLICT "A change of this waits already: stop it first";
    EmailTaken = "email_taken" CONFLICT "The address leads to another account";
    ProofMissing = "proof_missing" CONFLICT "The proof is gone or too old: ask for a code again";
    SecondNeeded = "second_factor_needed" CONFLICT "A second factor is asked for";
    HandoverOver = "handover_over" CONFLICT "The request was answered, has run out, or never was";
    WrongNumber = "wrong_number" CONFLICT "Not the number that the computer shows: the request has ended";
    TooYoung = "too_young" CONFLICT "This session was let in itself not long ago: it lets nobody in yet";
    FactorPresent = "factor_present" CONFLICT "An authenticator app is connected already";
    FactorNeeded = "factor_needed" CONFLICT "Sign-in asks for a second factor and this is the only one";
    NoFactor = "no_factor" CONFLICT "The account has no second factor: add one first";
    TrustedFull = "trusted_full" CONFLICT "There are two trusted people already";
    TrustedEnough = "trusted_enough" TOO_MANY_REQUESTS "Enough people were named today";
    ChangeTooSoon = "change_too_soon" TOO_MANY_REQUESTS "Something was taken away within the day: the next may be later";
    NothingToShow = "nothing_to_show" CONFLICT "The account has nothing that proves this: add a passkey, the password or the passcode";
    PasskeyTaken = "passkey_taken" CONFLICT "The passkey belongs to an account already";
    PasskeysFull = "passkeys_full" CONFLICT "The account has as many passkeys as it may";
    NoPasskeysHere = "no_passkeys_here" CONFLICT "No browser makes passkeys for this address";
    LastWay = "last_way" CONFLICT "It is the last way in";
    PhoneFirst = "phone_first" CONFLICT "Prove the phone to be used first";
    NotFrozen = "not_frozen" CONFLICT "The account is not frozen";
    PasscodeGone = "passcode_gone" CONFLICT "The passcode is gone: set it anew";
    CodeWordPresent = "code_word_present" CONFLICT "The account has a code word: support changes it";
    TooLarge = "too_large" PAYLOAD_TOO_LARGE "The request is too large";
    MediaType = "media_type" UNSUPPORTED_MEDIA_TYPE "This takes another media type";
    Misdirected = "misdirected" MISDIRECTED_REQUEST "This host is not ours";
    Invalid = "invalid" UNPROCESSABLE_ENTITY "The request is not valid";
    KeyReused = "idempotency_key_reused" UNPROCESSABLE_ENTITY "This Idempotency-Key came with another request before";
    CodeWrong = "code_wrong" UNPROCESSABLE_ENTITY "Not the code";
    CodeUsed = "code_used" UNPROCESSABLE_ENTITY "The code was taken before: wait for the next one";
    CodeDead = "code_dead" UNPROCESSABLE_ENTITY "The code is used, replaced or out of tries: ask for a new one";
    CodeExpired = "code_expired" UNPROCESSABLE_ENTITY "The code's time is over: ask for a new one";
    PasskeyNotTaken = "passkey_not_taken" UNPROCESSABLE_ENTITY "The passkey was not accepted";
    PasskeyUnknown = "passkey_unknown" UNPROCESSABLE_ENTITY "Nobody has this passkey: its authenticator may forget it";
    PasswordWrong = "password_wrong" UNPROCESSABLE_ENTITY "Not the password";
    PasscodeWrong = "passcode_wrong" UNPROCESSABLE_ENTITY "Not the passcode";
    ReportUnreadable = "report_unreadable" UNPROCESSABLE_ENTITY "The report is not what the settings describe";
    TooMany = "too_many" TOO_MANY_REQUESTS "Too many requests";
    StartsUsedUp = "starts_used_up" TOO_MANY_REQUESTS "Too many recoveries were started by this network or with this identifier";
    CodePause = "code_pause" TOO_MANY_REQUESTS "The pause after the previous code is not over";
    CodesUsedUp = "codes_used_up" TOO_MANY_REQUESTS "No more codes for now";
    CallsUsedUp = "calls_used_up" TOO_MANY_REQUESTS "No more calls for now: another channel is open";
    CodesRest = "codes_rest" TOO_MANY_REQUESTS "Too many wrong codes: codes rest";
    PasswordRests = "password_rests" TOO_MANY_REQUESTS "Too many wrong passwords: passwords rest";
    Internal = "internal" INTERNAL_SERVER_ERROR "A fault of ours";
    Unavailable = "unavailable" SERVICE_UNAVAILABLE "Not carried out, or not known: repeat with the same key";
    Overloaded = "overloaded" SERVICE_UNAVAILABLE "Too much slow work is waiting: repeat in a moment";
    OutcomeUnknown = "outcome_unknown" SERVICE_UNAVAILABLE "The outcome is not known: repeat with the same Idempotency-Key";
}

/// What can be wrong with one field: `errors[].code`.
pub const FIELD_CODES: &[&str] = &[
    "missing",
    "unknown_field",
    "duplicate_field",
    "wrong_type",
    "not_among",
    "invalid",
    "out_of_range",
    "one_of_two",
    "phone_empty",
    "phone_too_long",
    "phone_not_digits",
    "phone_too_short",
    "phone_no_such_number",
    "phone_not_personal",
    "phone_country_not_served",
    "email_empty",
    "email_too_long",
    "email_at",
    "email_local",
    "email_domain",
    "email_look_alike",
    "code_empty",
    "code_too_long",
    "code_not_digits",
    "code_length",
    "code_ambiguous",
    "next_not_ours",
    "channel_not_for_this",
    "consent_missing",
    "name_empty",
    "name_too_long",
    "name_invisible",
    "name_not_letters",
    "name_mixed_alphabets",
    "name_punctuation",
    "date_empty",
    "date_format",
    "date_future",
    "date_too_young",
    "date_too_old",
    "date_before_fourteen",
    "text_empty",
    "text_too_long",
    "text_invisible",
    "document_empty",
    "document_too_long",
    "document_not_digits",
    "document_length",
    "document_checksum",
    "document_not_issued",
    "password_short",
    "password_long",
    "password_common",
    "password_own",
    "passcode_not_four",
    "passcode_common",
    "passcode_own",
    "code_word_short",
    "code_word_long",
    "code_word_unsayable",
    "code_word_common",
    "code_word_own",
    "key_invalid",
    "number_empty",
    "number_form",
    "number_check",
    "month_format",
    "month_future",
    "amount_format",
];

/// An answer that refuses. Boxed, for most requests are not refused.
#[derive(Debug)]
pub struct Refused(Box<Problem>);

impl Refused {
    /// The same with the moment to try again, microseconds UTC.
    #[must_use]
    pub fn until(self, until: i64, now: Timestamp) -> Self {
        let until = Timestamp::from_micros(until);
        Self(Box::new(self.0.until(until, now)))
    }

    /// The same with the tries left.
    #[must_use]
    pub fn left(self, tries: u32) -> Self {
        Self(Box::new(self.0.left(tries)))
    }

    /// The same, naming the step that needs a proof.
    #[must_use]
    pub fn for_step(self, step: String) -> Self {
        Self(Box::new(self.0.for_step(step)))
    }

    /// The same, because of this field.
    #[must_use]
    pub fn at(mut self, field: &str, code: &str) -> Self {
        self.0.errors.extend(Problem::field(field, code).errors);
        self
    }
}

impl From<Code> for Refused {
    fn from(code: Code) -> Self {
        Self(Box::new(Problem::new(
            code.status(),
            code.as_str(),
            code.title(),
        )))
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        *refused.0
    }
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Problem::from(fault).into()
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let is_unauthorised = self.0.status == StatusCode::UNAUTHORIZED.as_u16();
        let mut response = self.0.into_response();
        if is_unauthorised {
            let bearer = http::HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(http::header::WWW_AUTHENTICATE, bearer);
        }
        response
    }
}

/// Collects what is wrong with the fields of one request, so that all of it is said at once.
#[derive(Debug, Default)]
pub struct Fields(Vec<(&'static str, &'static str)>);

impl Fields {
    /// The value, or a note that the field is wrong.
    pub fn take<T>(&mut self, field: &'static str, read: Result<T, &'static str>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(code) => {
                self.0.push((field, code));
                None
            }
        }
    }

    /// The refusal. Called when a value is missing, that is, after a field was noted.
    pub fn refuse(self) -> Refused {
        self.0
            .into_iter()
            .fold(Code::Invalid.into(), |refused: Refused, (field, code)| {
                refused.at(field, code)
            })
    }
}

/// One field alone is wrong.
pub fn field(field: &str, code: &'static str) -> Refused {
    Refused::from(Code::Invalid).at(field, code)
}
