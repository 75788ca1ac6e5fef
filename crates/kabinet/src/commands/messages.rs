//! `kabinet messages`: who has asked not to be written to (A22).
//!
//! Numbers and addresses come by standard input, one a line: on a command line other users of the machine, and
//! the shell's history, would see them.

use std::io::BufRead as _;
use std::sync::Arc;

use audit::{Actor, Details, Entry};
use db::{DbError, WriteTx};
use kernel::{Clock, Email, Identifier, Phone};
use notify::{Channel, Suppression, outbox};

use crate::cli::MessagesCommand;
use crate::failure::{Failure, say};
use crate::house::{self, House, Missing, Needs};

/// Most lines of one call, so that one transaction stays short.
const LINES_MAX: usize = 1_000;

/// Stops writing to those on standard input, or writes to them again. All or none: a line that is neither a
/// number nor an address is named and nothing is changed.
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
    set(&house, whom.clone(), stop).await?;
    for one in &whom {
        say(&if stop {
            format!("{} gets no messages from now on", one.masked())
        } else {
            format!("{} gets messages again", one.masked())
        });
    }
    house.db.close();
    Ok(())
}

async fn set(house: &House, whom: Vec<Identifier>, stop: bool) -> Result<(), Failure> {
    let command = (house.vault.clone(), whom, stop);
    let done: Result<(), DbError> = house
        .db
        .write("messages.suppress", command, |tx, (vault, whom, stop)| {
            Box::pin(async move {
                for one in whom {
                    let subject = outbox::subject(vault, one);
                    set_one(tx, &subject, one, *stop).await?;
                    // The log names nobody: who it was is told by the keyed hash alone.
                    let details = Details::default()
                        .fact("subject", hex::encode(subject))
                        .fact("stopped", stop.to_string());
                    let entry = Entry::new(audit::action::MESSAGES_SUPPRESSED, Actor::Operator)
                        .with(details.seal_system(vault));
                    audit::append(tx, entry).await?;
                }
                Ok(())
            })
        })
        .await;
    done.map_err(Failure::failed)
}

async fn set_one(
    tx: &mut WriteTx,
    subject: &[u8; 32],
    whom: &Identifier,
    stop: bool,
) -> Result<(), DbError> {
    let channels: &[Channel] = match whom {
        Identifier::Phone(_) => &[Channel::Sms, Channel::Call],
        Identifier::Email(_) => &[Channel::Email],
    };
    for channel in channels {
        if stop {
            outbox::suppress(tx, subject, *channel, Suppression::Asked).await?;
        } else {
            outbox::allow(tx, subject, *channel, Suppression::Asked).await?;
        }
    }
    Ok(())
}

fn read() -> Result<Vec<Identifier>, Failure> {
    let mut whom = Vec::new();
    for (number, line) in (1_usize..).zip(std::io::stdin().lock().lines()) {
        let line = line.map_err(Failure::failed)?;
        if number > LINES_MAX {
            return Err(Failure::refused(format!(
                "more than {LINES_MAX} lines: divide the list"
            )));
        }
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
