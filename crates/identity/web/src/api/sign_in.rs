//! One door (ID-1): a code to a phone or an address, then a session. The flow token plays the part of the
//! browser's cookie: codes are bound to its hash, and it is worth nothing once somebody is in (A16, A25).

use axum::{Json, extract::State as With};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;
use identity_core::{challenge::Purpose, consent::Source, next_path::NextPath};
use identity_service::{
    codes::{Ask, Check},
    sign_in::Register,
};
use kernel::Identifier;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vault::Token;
use webkit::visit::Visit;

use super::{
    document::{BrowserHeader, FlowHeader, MaybeFlowHeader, Problems},
    fields::{self, Read},
    problems::{Code, Fields, Refused},
    request::{Answer, CodeCommand, Command, Flow, Key, Known, MaybeFlow, done},
    second::SecondNeeded,
    words::{self, SentCode, Subscription, Way},
};
use crate::{
    acts::{Entered, RegisterDone, VerifyDone},
    state::State,
};

/// Where a code is to go: a phone or an address, not both.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskCode {
    /// A phone number as people write it.
    #[schema(max_length = 32, example = "+7 900 123-45-67")]
    phone: Option<String>,
    /// An e-mail address.
    #[schema(max_length = 254, example = "anna@example.ru")]
    email: Option<String>,
    /// How it is to travel. A phone takes `sms`, which is the default, and `call`; an address takes `email`.
    channel: Option<Way>,
    /// A path of the site to go to afterwards.
    #[schema(max_length = 512, example = "/profile")]
    next: Option<String>,
}

impl AskCode {
    fn identifier(&self, fields: &mut Fields) -> Option<Identifier> {
        fields::identifier(fields, self.phone.as_deref(), self.email.as_deref())
    }

    fn is_call(&self) -> Read<bool> {
        match (self.phone.is_some(), self.channel) {
            (true, Some(Way::Call)) => Ok(true),
            (true, None | Some(Way::Sms)) | (false, None | Some(Way::Email)) => Ok(false),
            _ => Err("channel_not_for_this"),
        }
    }

    fn next(&self) -> Read<NextPath> {
        match self.next.as_deref() {
            None => Ok(NextPath::default()),
            Some(next) => NextPath::parse(next).ok_or("next_not_ours"),
        }
    }

    fn read(&self) -> Answer<(Identifier, bool, NextPath)> {
        let mut fields = Fields::default();
        let identifier = self.identifier(&mut fields);
        let call = fields.take("channel", self.is_call());
        let next = fields.take("next", self.next());
        match (identifier, call, next) {
            (Some(identifier), Some(call), Some(next)) => Ok((identifier, call, next)),
            _ => Err(fields.refuse()),
        }
    }
}

/// A code is on its way.
#[derive(Debug, Serialize, ToSchema)]
pub struct AskedCode {
    /// The flow token: keep it until somebody is in, and send it as `Kabinet-Flow`.
    #[schema(min_length = 43, max_length = 43)]
    flow: String,
    /// The code; null when it was used meanwhile.
    code: Option<SentCode>,
}

/// The flow of a request that brought none. The same request gets the same flow again, so that a repeated one
/// loses nothing; therefore its key must be hard to guess.
pub fn begin(state: &State, visit: &Visit, key: &Key) -> Answer<Token> {
    let said = format!("{} {}", visit.visitor.network, key.text);
    let bytes = state.site.vault.code_mac(b"api.flow", &said);
    Token::from_text(&URL_SAFE_NO_PAD.encode(bytes)).map_err(|_| Code::Internal.into())
}

/// Ask for a code
///
/// The answer is the same for a known and an unknown identifier. A flow may be begun by the program itself
/// with 32 random bytes as base64url in `Kabinet-Flow`; without one the server names one, found again by the
/// network and the Idempotency-Key, which must then be random (a UUID).
#[utoipa::path(post, path = "/sign-in/codes", tag = "sign-in", params(MaybeFlowHeader, BrowserHeader),
    request_body = AskCode, responses((status = 202, body = AskedCode), Problems::<403>, Problems::<409>, Problems::<429>))]
pub(super) async fn ask(
    With(state): With<State>,
    visit: Visit,
    MaybeFlow(flow): MaybeFlow,
    Known(known): Known,
    command: Command<AskCode>,
) -> Answer<(StatusCode, Json<AskedCode>)> {
    let (identifier, call, next) = command.body.read()?;
    let flow = match flow {
        Some(flow) => flow,
        None => begin(&state, &visit, &command.key)?,
    };
    let browser = flow.hash();
    let ask = Ask {
        purpose: Purpose::SignIn,
        identifier,
        call,
        browser,
        known,
        next,
        link: None,
        about: None,
    };
    let asked = state
        .ask(command.key.once(&browser), &visit.visitor, ask)
        .await?;
    let (flow, code) =
        words::on_its_way(&state, &visit, Purpose::SignIn, &flow, done(asked)?).await?;
    Ok((StatusCode::ACCEPTED, Json(AskedCode { flow, code })))
}

/// Where the code stands
#[utoipa::path(get, path = "/sign-in/codes", tag = "sign-in", params(FlowHeader),
    responses((status = 200, body = SentCode), Problems::<404>))]
pub(super) async fn status(With(state): With<State>, Flow(flow): Flow) -> Answer<Json<SentCode>> {
    words::standing(&state, Purpose::SignIn, &flow).await
}

/// A code that was typed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TypedCode {
    /// The code as typed or pasted, at most 64 characters.
    #[schema(min_length = 1, max_length = 64, example = "042137")]
    pub code: String,
}

/// Somebody is in. The tokens are secrets.
#[derive(Serialize, ToSchema)]
pub struct Inside {
    /// Send it as `Authorization: Bearer …`.
    session_token: String,
    /// The device's token, when it is new: keep it for good and send it as `Kabinet-Browser` at every sign-in.
    browser_token: Option<String>,
    /// The path to go to.
    next: String,
    /// The account was made just now.
    is_new: bool,
}

impl From<Entered> for Inside {
    fn from(entered: Entered) -> Self {
        Self {
            session_token: entered.token,
            browser_token: entered.browser,
            next: entered.next,
            is_new: entered.is_new,
        }
    }
}

/// The code was right and nobody has this number yet: `POST /sign-in/register` comes next.
#[derive(Serialize, ToSchema)]
pub struct ConsentNeeded {
    /// Always true.
    consent_required: bool,
    /// Version of the consent's text that is in force.
    consent_version: String,
}

/// What a right code leads to.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum Verified {
    /// In.
    Inside(Inside),
    /// A new account needs the consent first.
    ConsentNeeded(ConsentNeeded),
    /// The account asks for more than the code.
    SecondNeeded(SecondNeeded),
}

/// Enter the code
#[utoipa::path(post, path = "/sign-in/verify", tag = "sign-in", params(FlowHeader, BrowserHeader),
    request_body = TypedCode, responses((status = 200, body = Verified), Problems::<403>, Problems::<429>))]
pub(super) async fn verify(
    With(state): With<State>,
    visit: Visit,
    Flow(flow): Flow,
    Known(known): Known,
    command: CodeCommand<TypedCode>,
) -> Answer<Json<Verified>> {
    let browser = flow.hash();
    let sent = words::sent(&state, Purpose::SignIn, browser).await?;
    let digits = sent.as_ref().map_or(6, SentCode::digits);
    let check = Check {
        purpose: Purpose::SignIn,
        browser,
        known,
        code: words::code(&command.body.code, digits)?,
    };
    let verified = state
        .verify(command.key.once(&browser), &visit.visitor, check)
        .await?;
    match done(verified)? {
        VerifyDone::In(entered) => Ok(Json(Verified::Inside(entered.into()))),
        VerifyDone::NeedsConsent => Ok(Json(Verified::ConsentNeeded(ConsentNeeded {
            consent_required: true,
            consent_version: state.env.consent_version.as_ref().to_owned(),
        }))),
        VerifyDone::NeedsSecond => {
            let needed = super::second::needed(&state, browser).await?;
            Ok(Json(Verified::SecondNeeded(needed)))
        }
        VerifyDone::Refused(why) => Err(words::refusal(why, visit.now)),
    }
}

/// The consents of a new account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Consents {
    /// The consent to the processing of personal data; without it there is no account.
    personal_data: bool,
    /// Marketing switched on at once.
    #[serde(default)]
    #[schema(max_items = 12)]
    marketing: Vec<Subscription>,
}

/// Make the account of a proved number
#[utoipa::path(post, path = "/sign-in/register", tag = "sign-in", params(FlowHeader, BrowserHeader),
    request_body = Consents, responses((status = 200, body = Inside), Problems::<409>))]
pub(super) async fn register(
    With(state): With<State>,
    visit: Visit,
    Flow(flow): Flow,
    Known(known): Known,
    command: Command<Consents>,
) -> Answer<Json<Inside>> {
    let browser = flow.hash();
    let marketing = command.body.marketing.iter();
    let register = Register {
        browser,
        known,
        personal_data: command.body.personal_data,
        marketing: marketing
            .map(|Subscription(channel, topic)| (*channel, *topic))
            .collect(),
        source: Source::Api,
    };
    let registered = state
        .register(command.key.once(&browser), &visit.visitor, register)
        .await?;
    match done(registered)? {
        RegisterDone::In(entered) => Ok(Json(entered.into())),
        RegisterDone::NeedsSecond => Err(Code::SecondNeeded.into()),
        RegisterDone::ConsentMissing => {
            Err(Refused::from(Code::Invalid).at("personal_data", "consent_missing"))
        }
        RegisterDone::ProofMissing => Err(Code::ProofMissing.into()),
    }
}
