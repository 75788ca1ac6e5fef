//! `kabinet messages`: who has asked not to be written to (A22).
//!
//! Numbers and addresses come by standard input, one a line: on a command line other users of the machine, and
//! the shell's history, would see them.

use std::io::BufRead as _;
use std::sync::Arc;

use audit::{Actor, Details, Entry};
use db::DbError;
use kernel::{Clock, Email, Identifier, Phone};
use notify::{Channel, Suppression, outbox};

use crate::cli::MessagesCommand;
use crate::failure::{Failure, say};
use crate::house::{self, House, Missing, Needs};

/// Stops writing to those on standard input, or writes to them again. A line that is neither a number nor
/// an address is named, and nothing is changed.
pub(crate) async fn run(command: MessagesCommand) -> Result<(), Failure> {
    let (args, stop) = match command {
        MessagesCommand::Stop(args) => (args, true),
        MessagesCommand::Allow(args) => (args, false),
    };
    let whom = read()?;
    let settings = house::settings(&args, Needs::Storage)?;
    let house = house::open(settings, Missing::Refused, |honest| {
        honest as Arc<dyn Clock>
    })
    .await?;
    house.need_schema().await?;
    house.need_our_key().await?;
    for one in whom {
        let masked = one.masked();
        set(&house, &one, stop).await?;
        say(&if stop {
            format!("{masked} gets no messages from now on")
        } else {
            format!("{masked} gets messages again")
        });
    }
    house.db.close();
    Ok(())
}

/// A transaction for each: given again after an end in the middle, the whole list stands as if given once.
async fn set(house: &House, whom: &Identifier, stop: bool) -> Result<(), Failure> {
    let subject = outbox::subject(&house.vault, whom);
    let channels: &'static [Channel] = match whom {
        Identifier::Phone(_) => &[Channel::Sms, Channel::Call],
        Identifier::Email(_) => &[Channel::Email],
    };
    // The log names nobody: who it was is told by the keyed hash alone.
    let details = Details::default()
        .fact("subject", hex::encode(subject))
        .fact("stopped", stop.to_string())
        .seal_system(&house.vault);
    let command = (subject, channels, stop, details);
    let done: Result<(), DbError> = house
        .db
        .write(
            "messages.suppress",
            command,
            |tx, (subject, channels, stop, details)| {
                Box::pin(async move {
                    for channel in *channels {
                        if *stop {
                            outbox::suppress(tx, subject, *channel, Suppression::Asked).await?;
                        } else {
                            outbox::allow(tx, subject, *channel, Suppression::Asked).await?;
                        }
                    }
                    let entry = Entry::new(audit::action::MESSAGES_SUPPRESSED, Actor::Operator)
                        .with(details.clone());
                    audit::append(tx, entry).await.map(drop)
                })
            },
        )
        .await;
    done.map_err(Failure::failed)
}

fn read() -> Result<Vec<Identifier>, Failure> {
    let mut whom = Vec::new();
    for (number, line) in (1_usize..).zip(std::io::stdin().lock().lines()) {
        let line = line.map_err(Failure::failed)?;
        if line.trim().is_empty() {
            continue;
        }
        // The line itself is not repeated: it may be somebody's.
        whom.push(parse(&line).map_err(|why| Failure::refused(format!("line {number}: {why}")))?);
    }
    if whom.is_empty() {
        return Err(Failure::refused(
            "nobody was named: give numbers or addresses on standard input, one a line",
        ));
    }
    Ok(whom)
}

fn parse(line: &str) -> Result<Identifier, String> {
    if line.contains('@') {
        let email = Email::parse(line).map_err(|why| why.to_string())?;
        return Ok(email.into());
    }
    let phone = Phone::parse(line).map_err(|why| why.to_string())?;
    Ok(phone.into())
}
