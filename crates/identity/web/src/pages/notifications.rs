//! Notices and consents (ID-12).

use axum::{extract::State as Shared, response::Response};
use identity_core::consent::{MarketingChannel, Source, Topic};
use identity_service::{ServiceError, consent};
use webkit::{
    form::Form,
    page::Area,
    respond::{self, PageError},
    visit::Visit,
};

use super::common::{cabinet, done, flashed, key, without_flash};
use crate::{
    state::{Fault, State, Who},
    views::notifications::{Agreement, ConsentSource, Notifications},
};

fn source(source: Source) -> ConsentSource {
    match source {
        Source::Registration => ConsentSource::Registration,
        Source::Cabinet => ConsentSource::Cabinet,
        Source::Message => ConsentSource::Message,
        Source::Api => ConsentSource::Api,
    }
}

/// `marketing.<channel>.<topic>`; `None` for the consent to personal data.
fn subject(kind: &str) -> Option<(MarketingChannel, Topic)> {
    let (channel, topic) = kind.strip_prefix("marketing.")?.split_once('.')?;
    Some((
        MarketingChannel::from_name(channel)?,
        Topic::from_name(topic)?,
    ))
}

/// `GET /profile/notifications`.
pub(super) async fn page(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
) -> Result<Response, Fault> {
    let cabinet = cabinet(&state, visit, &who, Area::Notifications).await?;
    let (on, agreements) = state
        .read("consent.list", who.account.id, |tx, account| {
            Box::pin(async move {
                let on = consent::subscribed(tx, *account).await?;
                Ok::<_, ServiceError>((on, consent::agreements(tx, *account).await?))
            })
        })
        .await?;
    let agreements = agreements
        .into_iter()
        .map(|agreement| Agreement {
            subject: subject(&agreement.kind),
            granted: agreement.granted,
            version: agreement.version,
            at: agreement.at,
            source: source(agreement.source),
        })
        .collect();
    let view = Notifications {
        on: on.into_iter().map(|on| (on.channel, on.topic)).collect(),
        agreements,
        has_email: cabinet.has_email(),
        p: cabinet.shell.clone(),
    };
    Ok(without_flash(&cabinet.visit, respond::page(&view)))
}

/// `POST /profile/notifications`.
pub(super) async fn set(
    Shared(state): Shared<State>,
    visit: Visit,
    who: Who,
    form: Form,
) -> Result<Response, PageError> {
    let mut on = Vec::new();
    for channel in MarketingChannel::ALL {
        for topic in Topic::ALL {
            if form.is_ticked(&Notifications::field(channel, topic)) {
                on.push((channel, topic));
            }
        }
    }
    let key = key(&visit, Some(&who), &form);
    let set = state.set_subscriptions(key, &visit.visitor, who.0, on, Source::Cabinet);
    done(set.await?)?;
    Ok(flashed(
        &visit,
        "/profile/notifications",
        "flash-notifications-saved",
    ))
}
