//! What the routes of identity share, and who is asking.

use std::sync::Arc;

use axum::{
    extract::{FromRef, FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use db::{BoxFuture, Db, DbError, ReadTx};
use http::{Method, StatusCode, header, request::Parts};
use identity_service::{
    Env, ServiceError,
    bank_section::{self, InBank},
    session::{self, SessionToken, SignedIn},
};
use webkit::{
    Site,
    page::errors::ErrorKind,
    problem::Problem,
    respond::{PageError, see_other},
    visit::{self, Visit},
};

fn unauthorised() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "Sign in to do this",
    )
}

/// The surroundings of every route.
#[derive(Clone)]
pub struct State {
    /// The database.
    pub db: Db,
    /// The surroundings of the use cases.
    pub env: Env,
    /// The edge.
    pub site: Arc<Site>,
}

impl FromRef<State> for Arc<Site> {
    fn from_ref(state: &State) -> Self {
        Arc::clone(&state.site)
    }
}

/// A request that failed for no fault of the person. Becomes an error page or a problem.
#[derive(Debug)]
pub struct Fault(ServiceError);

impl From<ServiceError> for Fault {
    fn from(error: ServiceError) -> Self {
        Self(error)
    }
}

impl From<DbError> for Fault {
    fn from(error: DbError) -> Self {
        Self(error.into())
    }
}

impl From<Fault> for PageError {
    fn from(Fault(error): Fault) -> Self {
        match error {
            ServiceError::Db(error) => error.into(),
            // Says 503 and when to come back (A109).
            ServiceError::Overloaded(_) => Self::kind(ErrorKind::Unknown),
            ServiceError::SessionOver => Self::to("/sign-in"),
            other => Self::internal(&other.to_string()),
        }
    }
}

impl From<Fault> for Problem {
    fn from(Fault(error): Fault) -> Self {
        match error {
            ServiceError::Db(error) => error.into(),
            ServiceError::Overloaded(_) => Self::overloaded(),
            ServiceError::SessionOver => unauthorised(),
            other => {
                tracing::error!(error = %other, "a request failed");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "internal",
                    "A fault of ours",
                )
            }
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        PageError::from(self).into_response()
    }
}

impl State {
    /// Reads in one transaction.
    pub async fn read<C, T, F>(&self, name: &'static str, input: C, f: F) -> Result<T, Fault>
    where
        C: Send + Sync,
        T: Send,
        F: for<'t> FnOnce(&'t mut ReadTx, &'t C) -> BoxFuture<'t, Result<T, ServiceError>> + Send,
    {
        Ok(self.db.read(name, input, f).await?)
    }

    async fn find(&self, token: &SessionToken) -> Result<Option<SignedIn>, Fault> {
        let input = (self.env.clone(), token.clone());
        let found = self.read("session.find", input, |tx, (env, token)| {
            Box::pin(session::find(tx, env, token))
        });
        let found = found.await?;
        if let Some(who) = found.as_ref().filter(|who| who.is_due) {
            let input = (who.account.id, who.session);
            let touched: Result<(), DbError> = self
                .db
                .write("session.touch", input, |tx, (account, session)| {
                    Box::pin(session::touch(tx, *account, *session))
                })
                .await;
            // The person is who they are even when this cannot be written down now.
            drop(touched);
        }
        Ok(found)
    }
}

/// Somebody signed in, by cookie. Others are led to the door and back.
#[derive(Debug, Clone)]
pub struct Who(pub Arc<SignedIn>);

impl std::ops::Deref for Who {
    type Target = SignedIn;
    fn deref(&self) -> &SignedIn {
        &self.0
    }
}

async fn by_cookie(parts: &mut Parts, state: &State) -> Result<Option<Who>, PageError> {
    let visit = Visit::from_request_parts(parts, state).await?;
    let Some(token) = visit
        .cookie(visit::SESSION)
        .and_then(SessionToken::from_text)
    else {
        return Ok(None);
    };
    let found = state.find(&token).await?;
    Ok(found.map(|who| Who(Arc::new(who))))
}

impl FromRequestParts<State> for Who {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Self::Rejection> {
        match by_cookie(parts, state).await {
            Ok(Some(who)) => Ok(who),
            Ok(None) => Err(to_the_door(parts)),
            Err(error) => Err(error.into_response()),
        }
    }
}

impl OptionalFromRequestParts<State> for Who {
    type Rejection = PageError;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &State,
    ) -> Result<Option<Self>, Self::Rejection> {
        by_cookie(parts, state).await
    }
}

/// To the door, and back to this page afterwards when it is one that can be come back to.
fn to_the_door(parts: &Parts) -> Response {
    let path = parts.uri.path();
    if parts.method != Method::GET || path == "/" {
        return see_other("/sign-in");
    }
    see_other(&format!("/sign-in?next={path}"))
}

/// Somebody in the bank section: signed in, and the section is open (ID-9). Others are led to its door. Using
/// it keeps it open.
#[derive(Debug, Clone)]
pub struct Banker {
    /// Who.
    pub who: Who,
    /// Until when.
    pub section: InBank,
}

impl State {
    /// The bank section of a session, while it is open; its use is noted.
    pub async fn bank(&self, who: &Who) -> Result<Option<InBank>, Fault> {
        let input = (self.env.clone(), who.clone());
        let section = self
            .read("bank_section.enter", input, |tx, (env, who)| {
                Box::pin(async move { Ok(bank_section::enter(tx, env, who).await?) })
            })
            .await?;
        if section.is_some_and(|section| section.is_due) {
            let input = (self.env.clone(), who.clone());
            let touched: Result<(), DbError> = self
                .db
                .write("bank_section.touch", input, |tx, (env, who)| {
                    Box::pin(bank_section::touch(tx, env, who))
                })
                .await;
            touched?;
        }
        Ok(section)
    }
}

impl FromRequestParts<State> for Banker {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Self::Rejection> {
        let who = <Who as FromRequestParts<State>>::from_request_parts(parts, state).await?;
        let section = state
            .bank(&who)
            .await
            .map_err(IntoResponse::into_response)?;
        match section {
            Some(section) => Ok(Self { who, section }),
            None if parts.method == Method::GET => {
                Err(see_other(&format!("/bank?next={}", parts.uri.path())))
            }
            None => Err(see_other("/bank")),
        }
    }
}

/// Somebody signed in, for the API: by bearer token, or by cookie with the token of our own pages.
#[derive(Debug, Clone)]
pub struct Caller(pub Arc<SignedIn>);

impl std::ops::Deref for Caller {
    type Target = SignedIn;
    fn deref(&self) -> &SignedIn {
        &self.0
    }
}

impl FromRequestParts<State> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Self::Rejection> {
        let unauthorised = || {
            let mut response = unauthorised().into_response();
            let bearer = http::HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, bearer);
            response
        };
        let text = |name: &str| {
            parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let csrf = text("x-kabinet-csrf").unwrap_or_default();
        if let Some(value) = text("authorization") {
            let token = value
                .strip_prefix("Bearer ")
                .and_then(SessionToken::from_text);
            let Some(token) = token else {
                return Err(unauthorised());
            };
            let found = state
                .find(&token)
                .await
                .map_err(IntoResponse::into_response)?;
            return found
                .map(|who| Self(Arc::new(who)))
                .ok_or_else(unauthorised);
        }
        let found = by_cookie(parts, state)
            .await
            .map_err(IntoResponse::into_response)?;
        let Some(Who(who)) = found else {
            return Err(unauthorised());
        };
        // A cookie travels by itself, so an effect asks for more (A30).
        let safe = parts.method == Method::GET || parts.method == Method::HEAD;
        let visit = Visit::from_request_parts(parts, state).await;
        let visit = visit.map_err(IntoResponse::into_response)?;
        if safe || visit.is_ours(&csrf) {
            Ok(Self(who))
        } else {
            Err(PageError::kind(ErrorKind::Forbidden).into_response())
        }
    }
}
