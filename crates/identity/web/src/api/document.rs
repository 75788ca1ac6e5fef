//! What the OpenAPI document says of every operation alike: headers, problems, codes.

use std::collections::BTreeMap;

use utoipa::{
    IntoParams, IntoResponses,
    openapi::{
        Content, HttpMethod, ObjectBuilder, OpenApi, Ref, RefOr, Required, Response,
        ResponseBuilder, Schema, Type,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::problems::{Code, FIELD_CODES};

/// The flow's token.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes a header for the document")]
pub struct FlowHeader {
    /// The flow token: 32 bytes as base64url without padding.
    #[param(
        rename = "Kabinet-Flow",
        min_length = 43,
        max_length = 43,
        pattern = "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$"
    )]
    flow: String,
}

/// The flow's token where it may be missing.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes a header for the document")]
pub struct MaybeFlowHeader {
    /// The flow token: 32 bytes as base64url without padding. Without it a flow begins here.
    #[param(
        rename = "Kabinet-Flow",
        required = false,
        min_length = 43,
        max_length = 43,
        pattern = "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$"
    )]
    flow: String,
}

/// The device's token.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes a header for the document")]
pub struct BrowserHeader {
    /// The device's token, once it has one.
    #[param(
        rename = "Kabinet-Browser",
        required = false,
        min_length = 43,
        max_length = 43,
        pattern = "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$"
    )]
    browser: String,
}

const PROBLEM_JSON: &str = "application/problem+json";

/// The problems of one status.
pub struct Problems<const STATUS: u16>;

impl<const STATUS: u16> IntoResponses for Problems<STATUS> {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        BTreeMap::from([(STATUS.to_string(), problem(STATUS).into())])
    }
}

fn problem(status: u16) -> Response {
    let codes: Vec<String> = Code::ALL
        .iter()
        .filter(|code| code.status().as_u16() == status)
        .map(|code| format!("`{}`: {}", code.as_str(), code.title()))
        .collect();
    ResponseBuilder::new()
        .description(codes.join("; "))
        .content(
            PROBLEM_JSON,
            Content::new(Some(Ref::from_schema_name("Problem"))),
        )
        .build()
}

/// Commands of others' protocols, which bring no key of ours.
const KEYLESS: [&str; 2] = ["/gateway-reports/", "/number-signals/"];
/// Commands that may bring one.
const MAY_BE_KEYLESS: &str = "/unsubscribe/";

fn key_header(required: bool) -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(128))
        .pattern(Some("^[!-~]{1,128}$"));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(if required { Required::True } else { Required::False })
        .description(Some(
            "Names this command: sent again with the same request it happens once and gets the same answer \
             for a day; with another request it is refused. Use a random one (a UUID).",
        ))
        .schema(Some(schema))
        .build()
}

fn is_in(operation: &Operation, place: &ParameterIn) -> bool {
    let mut parameters = operation.parameters.iter().flatten();
    parameters.any(|parameter| matches!(parameter, RefOr::T(one) if one.parameter_in == *place))
}

/// `GET /api/v1/sign-in/codes` as `get_sign_in_codes`.
fn id(method: &str, path: &str) -> String {
    let words = path
        .trim_start_matches("/api/v1")
        .split(|c: char| !c.is_ascii_alphanumeric());
    let words = std::iter::once(method).chain(words.filter(|word| !word.is_empty()));
    words.collect::<Vec<_>>().join("_")
}

/// What a success says when its body does not.
fn describe(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            let said = match status.as_str() {
                "202" => "Taken on",
                _ => "Done",
            };
            said.clone_into(&mut response.description);
        }
    }
}

fn complete(method: &HttpMethod, path: &str, operation: &mut Operation) {
    let name = match method {
        HttpMethod::Put => "put",
        HttpMethod::Post => "post",
        HttpMethod::Delete => "delete",
        _ => "get",
    };
    operation.operation_id = Some(id(name, path));
    describe(operation);
    let is_command = matches!(method, HttpMethod::Post | HttpMethod::Put);
    if is_command && !KEYLESS.iter().any(|keyless| path.contains(keyless)) {
        let required = !path.contains(MAY_BE_KEYLESS);
        let parameters = operation.parameters.get_or_insert_default();
        parameters.push(RefOr::T(key_header(required)));
    }
    let mut statuses = vec![400, 408, 421, 500, 503];
    if !matches!(method, HttpMethod::Get) {
        statuses.push(403);
    }
    if operation.security.is_some() {
        statuses.push(401);
    }
    if is_in(operation, &ParameterIn::Path) {
        statuses.push(404);
    }
    if is_command {
        statuses.extend([413, 422]);
    }
    if is_in(operation, &ParameterIn::Query) {
        statuses.push(422);
    }
    if operation.request_body.is_some() {
        statuses.push(415);
    }
    for status in statuses {
        let responses = &mut operation.responses.responses;
        responses
            .entry(status.to_string())
            .or_insert_with(|| problem(status).into());
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    [
        (HttpMethod::Get, item.get.as_mut()),
        (HttpMethod::Put, item.put.as_mut()),
        (HttpMethod::Post, item.post.as_mut()),
        (HttpMethod::Delete, item.delete.as_mut()),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation?)))
}

fn list_codes(api: &mut OpenApi, schema: &str, codes: impl IntoIterator<Item = &'static str>) {
    let components = api.components.get_or_insert_default();
    let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(schema) else {
        return;
    };
    if let Some(RefOr::T(Schema::Object(code))) = object.properties.get_mut("code") {
        code.enum_values = Some(codes.into_iter().map(serde_json::Value::from).collect());
    }
}

/// Completes the document that the routes made.
pub fn finish(api: &mut OpenApi) {
    for (path, item) in &mut api.paths.paths {
        for (method, operation) in operations(item) {
            complete(&method, path, operation);
        }
    }
    list_codes(api, "Problem", Code::ALL.iter().map(|code| code.as_str()));
    list_codes(api, "FieldProblem", FIELD_CODES.iter().copied());
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "The session token. Our own pages may send the session's cookie instead, with `X-Kabinet-Csrf`.",
        ))
        .build();
    let components = api.components.get_or_insert_default();
    components.add_security_scheme("session", SecurityScheme::Http(bearer));
}
