//! The demo's phone and mailbox: messages that go nowhere and can be looked at.
//!
//! Only `kabinet demo` makes one. The list is bounded; the oldest goes first.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Clock, Identifier, MessageId, Timestamp};
use parking_lot::Mutex;
use serde::Serialize;

use crate::carrier::{
    Body, Carrier, Channel, DeliveryReport, Handed, Outgoing, ReportState, Reports, SendError,
};
use crate::deliver::Ways;

/// How many messages the simulated phone keeps.
pub const CAPACITY: usize = 500;

/// One message as the demo shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Simulated {
    /// The message's id.
    pub id: MessageId,
    /// When it arrived.
    pub at: Timestamp,
    /// The way it came.
    pub channel: Channel,
    /// The number or mailbox.
    pub to: String,
    /// What it says; a letter's subject, an empty line and its text; for a
    /// call, the number that rang.
    pub text: String,
}

/// The carrier of the demo. Cheap to clone; all clones show one list.
#[derive(Clone)]
pub struct SimulatedPhone {
    clock: Arc<dyn Clock>,
    messages: Arc<Mutex<VecDeque<Simulated>>>,
    reports: Option<Arc<dyn Reports>>,
}

impl SimulatedPhone {
    /// An empty phone. With `reports` each message is reported delivered.
    pub fn new(clock: Arc<dyn Clock>, reports: Option<Arc<dyn Reports>>) -> Self {
        Self {
            clock,
            messages: Arc::default(),
            reports,
        }
    }

    /// This phone as the way out of every channel.
    pub fn ways(&self) -> Ways {
        let carrier: Arc<dyn Carrier> = Arc::new(self.clone());
        Ways::new(
            Channel::ALL
                .map(|channel| (channel, Arc::clone(&carrier)))
                .into(),
        )
    }

    /// All messages, newest first.
    pub fn messages(&self) -> Vec<Simulated> {
        self.messages.lock().iter().rev().cloned().collect()
    }
}

#[async_trait]
impl Carrier for SimulatedPhone {
    async fn deliver(&self, message: &Outgoing) -> Result<Handed, SendError> {
        let to = match &message.to {
            Identifier::Phone(phone) => phone.as_str(),
            Identifier::Email(email) => email.as_str(),
        };
        let text = match &message.body {
            Body::Sms { text } => text.clone(),
            Body::Email { subject, text, .. } => format!("{subject}\n\n{text}"),
            Body::Call { code } => {
                let code = code.as_deref().unwrap_or("000000");
                // A number of Moscow's that ends with the code.
                let head = "+74950000000";
                let kept = head.len().saturating_sub(code.len());
                format!("{}{code}", head.get(..kept).unwrap_or_default())
            }
        };
        let at = self.clock.now();
        let simulated = Simulated {
            id: message.id,
            at,
            channel: message.body.channel(),
            to: to.to_owned(),
            text,
        };
        {
            let mut messages = self.messages.lock();
            // The same message again (a retry) is one message.
            messages.retain(|known| known.id != message.id);
            messages.push_back(simulated);
            while messages.len() > CAPACITY {
                messages.pop_front();
            }
        }
        let reference = format!("sim-{}", message.id);
        if let Some(reports) = &self.reports {
            // The demo's network never loses a report, and nobody waits for it.
            let _ = reports
                .delivery(DeliveryReport {
                    reference: reference.clone(),
                    state: ReportState::Delivered,
                    at,
                })
                .await;
        }
        Ok(Handed {
            reference: Some(reference),
            calling_number: None,
        })
    }

    fn name(&self) -> &'static str {
        "simulated"
    }
}
