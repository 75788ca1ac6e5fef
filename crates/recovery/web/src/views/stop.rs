//! The owner's stop (A38). A GET changes nothing (A31).

use askama::Template;
use webkit::page::{Sample, Shell};

/// How far the link has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopView {
    /// The recovery can be stopped.
    Open,
    /// It is stopped.
    Stopped,
    /// It has ended otherwise, or never was.
    Over,
}

/// `GET|POST /stop/{token}`.
#[derive(Clone, Debug, Template)]
#[template(path = "recovery/stop.html")]
pub struct Stop {
    /// The shell.
    pub p: Shell,
    /// The token, part of the form's address.
    pub token: String,
    /// How far it has come.
    pub view: StopView,
}

impl Sample for Stop {
    fn samples(p: &Shell) -> Vec<(&'static str, Self)> {
        let page = |view| Self {
            p: p.clone(),
            token: "sample".to_owned(),
            view,
        };
        vec![
            ("open", page(StopView::Open)),
            ("stopped", page(StopView::Stopped)),
            ("over", page(StopView::Over)),
        ]
    }
}
