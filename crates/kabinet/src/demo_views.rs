//! Pages of the demo: the simulated phone, and the cabinet beside it.
//!
//! Both are answered in `kabinet demo` only. The front page shows the two in
//! frames, which the policy of pages allows there (`frame-ancestors 'self'`)
//! and nowhere else; on a narrow screen both are links.

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

/// A piece of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Words.
    Words(&'a str),
    /// An address that can be pressed.
    Link(&'a str),
}

impl<'a> Part<'a> {
    const fn text(&self) -> &'a str {
        match self {
            Self::Words(text) | Self::Link(text) => text,
        }
    }

    /// Where it leads on this site; `None` for words. A message names no other host.
    fn href(&self) -> Option<&'a str> {
        let Self::Link(text) = self else {
            return None;
        };
        let (_, rest) = text.split_once("://")?;
        rest.find('/').and_then(|at| rest.get(at..))
    }
}

impl DemoMessage {
    /// The text with its links apart, as a phone shows it.
    pub fn parts(&self) -> Vec<Part<'_>> {
        let is_link = |word: &str| word.starts_with("http://") || word.starts_with("https://");
        self.text
            .split_inclusive(char::is_whitespace)
            .flat_map(|word| {
                let (bare, space) = word.split_at(word.trim_end().len());
                let bare = if is_link(bare) {
                    Part::Link(bare)
                } else {
                    Part::Words(bare)
                };
                [bare, Part::Words(space)]
            })
            .collect()
    }
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
    /// How far the clock was moved, in seconds.
    pub ahead: u64,
}

impl DemoPhone {
    /// How far one press moves the clock, in seconds, and the id of its words.
    const fn moves() -> [(u64, &'static str); 3] {
        [
            (60, "demo-clock-minute"),
            (600, "demo-clock-ten-minutes"),
            (86_400, "demo-clock-day"),
        ]
    }

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
                    ahead: 600,
                },
            ),
            (
                "empty",
                Self {
                    p: p.clone(),
                    messages: Vec::new(),
                    ahead: 0,
                },
            ),
        ]
    }
}

/// A sample customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Customer {
    /// The number, as people write it.
    pub phone: &'static str,
    /// Id of the name.
    pub name: &'static str,
    /// Id of what is to be seen there.
    pub note: &'static str,
    /// The same for the terminal.
    pub about: &'static str,
}

impl Customer {
    /// Those that a demo begins with.
    pub const ALL: [Self; 3] = [
        Self {
            phone: "+7 900 000-00-01",
            name: "demo-newcomer",
            note: "demo-newcomer-note",
            about: "a phone and nothing more",
        },
        Self {
            phone: "+7 900 000-00-02",
            name: "demo-shopper",
            note: "demo-shopper-note",
            about: "Maria: a name, a mailbox, two devices",
        },
        Self {
            phone: "+7 900 000-00-03",
            name: "demo-regular",
            note: "demo-regular-note",
            about: "Alexey: identified, with weeks of history",
        },
    ];
}

/// `GET /demo`: what to do, the cabinet and the phone side by side.
#[derive(Clone, Debug, Template)]
#[template(path = "demo/front.html")]
pub struct DemoFront {
    /// The shell.
    pub p: Shell,
    /// Sample customers; none in a demo that began empty.
    pub customers: Vec<Customer>,
}

impl Sample for DemoFront {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let page = |customers: &[Customer]| Self {
            p: p.clone(),
            customers: customers.to_vec(),
        };
        vec![("normal", page(&Customer::ALL)), ("empty", page(&[]))]
    }
}

webkit::sample_pages! {
    /// Shows every sample of the demo's pages.
    "demo_phone" => DemoPhone,
    "demo_front" => DemoFront,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_a_message_can_be_pressed() {
        let message = DemoMessage {
            id: "1".to_owned(),
            at: sample::NOW,
            channel: DemoChannel::Sms,
            to: "+7 912 345-12-34".to_owned(),
            text: "Не вы? http://localhost/not-me/A\nИначе ничего.".to_owned(),
        };
        let links: Vec<&str> = message.parts().iter().filter_map(Part::href).collect();
        assert_eq!(links, ["/not-me/A"]);
        let whole: String = message.parts().iter().map(Part::text).collect();
        assert_eq!(whole, message.text);
    }
}
