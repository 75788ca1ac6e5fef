//! Pages of the demo: the simulated phone, and the cabinet beside it.
//!
//! Both are answered in `kabinet demo` only. The front page shows the two in
//! frames, which the policy of pages allows there (`frame-ancestors 'self'`)
//! and nowhere else; on a narrow screen the cabinet is a link.

use askama::Template;
use kernel::Timestamp;
use webkit::page::{Sample, Shell, sample};

/// How a message of the simulated phone came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DemoChannel {
    /// A text message.
    Sms,
    /// A call; the text is the calling number.
    Call,
    /// A letter.
    Email,
}

impl DemoChannel {
    const fn icon(self) -> &'static str {
        match self {
            Self::Sms => "message-square",
            Self::Call => "phone",
            Self::Email => "mail",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Sms => "demo-channel-sms",
            Self::Call => "demo-channel-call",
            Self::Email => "demo-channel-email",
        }
    }
}

/// A message of the simulated phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoMessage {
    /// Its id, as `/demo/messages` gives it.
    pub id: String,
    /// When it came.
    pub at: Timestamp,
    /// How it came.
    pub channel: DemoChannel,
    /// The number or address it came to.
    pub to: String,
    /// What it says.
    pub text: String,
}

/// `GET /demo/phone`: the messages, newest first. `demo-phone.js` asks
/// `/demo/messages` and shows the page anew when the first `id` is another.
#[derive(Clone, Debug, Template)]
#[template(path = "demo/phone.html")]
pub struct DemoPhone {
    /// The shell.
    pub p: Shell,
    /// Messages, newest first.
    pub messages: Vec<DemoMessage>,
}

impl DemoPhone {
    fn newest(&self) -> &str {
        self.messages
            .first()
            .map_or("", |message| message.id.as_str())
    }
}

impl Sample for DemoPhone {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let message = |id: &str, seconds, channel, to: &str, text: &str| DemoMessage {
            id: id.to_owned(),
            at: sample::after(seconds),
            channel,
            to: to.to_owned(),
            text: text.to_owned(),
        };
        let phone = "+7 912 345-12-34";
        let messages = vec![
            message(
                "3",
                -16,
                DemoChannel::Sms,
                phone,
                "Кабинет: код № 3 для входа 481 205. Никому не сообщайте. \
                 Сотрудники не спросят этот код.\n@localhost #481205",
            ),
            message("2", -90, DemoChannel::Call, phone, "+7 495 648-12-05"),
            message(
                "1",
                -4000,
                DemoChannel::Email,
                "anna@example.ru",
                "Подтвердите почту\n\nКод № 1: 770 134.",
            ),
        ];
        vec![
            (
                "messages",
                Self {
                    p: p.clone(),
                    messages,
                },
            ),
            (
                "empty",
                Self {
                    p: p.clone(),
                    messages: Vec::new(),
                },
            ),
        ]
    }
}

/// `GET /demo`: the cabinet and the phone side by side.
#[derive(Clone, Debug, Template)]
#[template(path = "demo/front.html")]
pub struct DemoFront {
    /// The shell.
    pub p: Shell,
}

impl Sample for DemoFront {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        vec![("normal", Self { p: p.clone() })]
    }
}

webkit::sample_pages! {
    /// Shows every sample of the demo's pages.
    "demo_phone" => DemoPhone,
    "demo_front" => DemoFront,
}
