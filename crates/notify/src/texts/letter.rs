//! A letter, written once and shown as plain text and as HTML.

use kernel::Locale;

use crate::carrier::Body;

/// One paragraph.
pub(super) enum Line {
    Text(String),
    Code(String),
    Button { label: String, link: String },
    Link { label: String, link: String },
    Small(String),
}

/// A letter; the subject is also its heading.
pub(super) struct Letter {
    subject: String,
    lines: Vec<Line>,
    unsubscribe: Option<String>,
}

impl Letter {
    pub(super) fn new(subject: String) -> Self {
        Self {
            subject,
            lines: Vec::new(),
            unsubscribe: None,
        }
    }

    pub(super) fn add(mut self, line: Line) -> Self {
        self.lines.push(line);
        self
    }
    pub(super) fn text(self, text: String) -> Self {
        self.add(Line::Text(text))
    }
    pub(super) fn small(self, text: String) -> Self {
        self.add(Line::Small(text))
    }
    pub(super) fn code(self, code: &str) -> Self {
        self.add(Line::Code(code.to_owned()))
    }
    pub(super) fn button(self, label: String, link: String) -> Self {
        self.add(Line::Button { label, link })
    }
    pub(super) fn link(self, label: String, link: String) -> Self {
        self.add(Line::Link { label, link })
    }
    pub(super) fn unsubscribe(mut self, link: String) -> Self {
        self.unsubscribe = Some(link);
        self
    }

    pub(super) fn body(self, locale: Locale) -> Body {
        let text = self
            .lines
            .iter()
            .map(plain)
            .filter(|line| !line.is_empty())
            .collect::<Vec<_>>()
            .join("\n\n");
        let heading = escape(&self.subject);
        let lines: String = self.lines.iter().map(html).collect();
        // Mail programs ignore style sheets, so the style stands on each part.
        let html = format!(
            "<!doctype html><html lang=\"{locale}\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\">\
             <meta name=\"color-scheme\" content=\"light dark\"><title>{heading}</title></head>\
             <body style=\"margin:0;padding:24px;font:16px/1.5 sans-serif\">\
             <div style=\"max-width:560px;margin:0 auto\">\
             <h1 style=\"font-size:22px;line-height:1.3;margin:0 0 16px\">{heading}</h1>\
             {lines}</div></body></html>"
        );
        Body::Email {
            subject: self.subject,
            text,
            html,
            unsubscribe: self.unsubscribe,
        }
    }
}

fn plain(line: &Line) -> String {
    match line {
        Line::Text(text) | Line::Small(text) | Line::Code(text) => text.clone(),
        Line::Button { label, link } | Line::Link { label, link } => format!("{label}:\n{link}"),
    }
}

fn html(line: &Line) -> String {
    match line {
        Line::Text(text) => format!("<p style=\"margin:0 0 12px\">{}</p>", escape(text)),
        Line::Small(text) => format!(
            "<p style=\"margin:0 0 12px;font-size:14px;opacity:.75\">{}</p>",
            escape(text)
        ),
        Line::Code(code) => format!(
            "<p style=\"margin:0 0 16px;font-size:32px;font-weight:700;letter-spacing:4px\">{}</p>",
            escape(code)
        ),
        Line::Button { label, link } => format!(
            "<p style=\"margin:16px 0\"><a href=\"{}\" style=\"display:inline-block;padding:14px 24px;\
             border-radius:12px;background:#1f5fd6;color:#ffffff;font-weight:600;text-decoration:none\">{}</a></p>",
            escape(link),
            escape(label)
        ),
        Line::Link { label, link } => format!(
            "<p style=\"margin:0 0 12px;font-size:14px\"><a href=\"{}\">{}</a></p>",
            escape(link),
            escape(label)
        ),
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
