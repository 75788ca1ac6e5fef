//! Help, legal texts, language and colours, static files.

use axum::{
    extract::State as Shared,
    response::{IntoResponse, Response},
};
use http::HeaderMap;
use identity_core::{
    challenge::{Channel, Purpose},
    next_path::NextPath,
};
use identity_service::account;
use kernel::{Locale, Timestamp};
use webkit::{
    assets,
    form::Form,
    page::{Shell, Theme, errors::OfflinePage},
    respond::{PageError, page, see_other, with_cookie},
    visit::{self, Visit, YEAR},
};

use super::{
    codes::{entry, standing},
    common::open_shell,
};
use crate::{
    state::{Fault, State, Who},
    views::help::{ConsentText, Help, NoCode},
};

/// `GET /profile`: the section begins with the personal data.
pub(super) async fn profile() -> Response {
    see_other("/profile/data")
}

/// `GET /help`.
pub(super) async fn help(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Option<Who>,
) -> Result<Response, Fault> {
    let p = open_shell(&state, &visit, who.as_ref()).await?;
    Ok(page(&Help { p }))
}

/// `GET /help/no-code`.
pub(super) async fn no_code(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Option<Who>,
) -> Result<Response, Fault> {
    let p = open_shell(&state, &visit, who.as_ref()).await?;
    // Somebody signed in waits for no code of the door.
    let code = match who {
        Some(_) => None,
        None => standing(&state, Purpose::SignIn, visit.browser_key()).await?,
    };
    let code = code.map(|(status, delivery)| entry(&state, &p, &status, delivery, false));
    let by_email = state.env.policy.channels.contains(&Channel::Email);
    Ok(page(&NoCode { p, code, by_email }))
}

/// `GET /legal/consent`.
pub(super) async fn consent(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Option<Who>,
) -> Result<Response, Fault> {
    Ok(page(&ConsentText {
        p: open_shell(&state, &visit, who.as_ref()).await?,
        version: state.env.consent_version.to_string(),
    }))
}

/// `POST /preferences`: language or colours, for this browser and, when signed in, for messages.
pub(super) async fn preferences(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Option<Who>,
    form: Form,
) -> Result<Response, PageError> {
    let next = NextPath::parse(form.text("next")).unwrap_or_default();
    let mut response = see_other(next.as_str());
    if let Ok(locale) = form.text("language").parse::<Locale>() {
        let cookie = visit
            .site()
            .set_cookie(visit::LOCALE, locale.tag(), Some(YEAR));
        response = with_cookie(response, &cookie);
        if let Some(who) = who {
            let set: Result<(), db::DbError> = state
                .db
                .write(
                    "account.locale",
                    (who.account.id, locale),
                    |tx, (id, locale)| Box::pin(account::set_locale(tx, *id, *locale)),
                )
                .await;
            set?;
        }
    }
    if !form.text("theme").is_empty() {
        let theme = Theme::from_tag(form.text("theme"));
        let cookie = visit
            .site()
            .set_cookie(visit::THEME, theme.tag(), Some(YEAR));
        response = with_cookie(response, &cookie);
    }
    Ok(response)
}

/// `GET /offline`: kept by the service worker, so nothing of the visitor is in it.
pub(super) async fn offline(visit: Visit) -> Response {
    let p = Shell::new(visit.visitor.locale, Timestamp::EPOCH, "/");
    page(&OfflinePage { p })
}

/// Static files, at fingerprinted addresses and at the few that are fixed by a standard or by habit.
pub(super) async fn asset(uri: http::Uri, headers: HeaderMap) -> Response {
    assets::serve(uri.path(), &headers)
}

/// `GET /robots.txt`: nothing here is for search engines.
pub(super) async fn robots() -> Response {
    "User-agent: *\nDisallow: /\n".into_response()
}
