//! Where log lines go and which are kept.
//!
//! Other people's crates may say no more than warnings, at any level: some of them print headers and
//! parameters when asked for detail, and those hold codes and tokens (A18). One says nothing at all: it calls an
//! answer that it refuses an error, with parts of it.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::cli::LogLevel;

/// Crates of this house, by the beginning of a target.
const OURS: [&str; 12] = [
    "audit",
    "config",
    "db",
    "identity_core",
    "identity_service",
    "identity_web",
    "jobs",
    "kabinet",
    "kernel",
    "notify",
    "vault",
    "webkit",
];

/// Who reads the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// A program: one JSON object each.
    Program,
    /// A person at a terminal.
    Person,
}

/// Starts logging to standard error. A second call changes nothing.
pub(crate) fn start(reader: Reader, level: LogLevel) {
    let registry = tracing_subscriber::registry();
    let kept = kept(level);
    let _ = match reader {
        Reader::Program => registry
            .with(
                fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_current_span(true)
                    .with_span_list(false)
                    .with_writer(std::io::stderr)
                    .with_filter(kept),
            )
            .try_init(),
        Reader::Person => registry
            .with(
                fmt::layer()
                    .compact()
                    .with_target(false)
                    .with_writer(std::io::stderr)
                    .with_filter(kept),
            )
            .try_init(),
    };
    std::panic::set_hook(Box::new(report_panic));
}

fn kept(level: LogLevel) -> Targets {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    let theirs = level.min(LevelFilter::WARN);
    Targets::new()
        .with_default(theirs)
        .with_target("webauthn_rs_core", LevelFilter::OFF)
        .with_targets(OURS.map(|name| (name, level)))
}

/// Where a panic happened. Its message is left out unless it is a fixed text: a formatted one may hold
/// what somebody typed.
fn report_panic(info: &std::panic::PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let text = info
        .payload()
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("(not shown)");
    metrics::counter!("kabinet_panics_total").increment(1);
    tracing::error!(place, text, "a panic; please report it");
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    /// A18: no level makes a foreign crate print its details.
    #[test]
    fn foreign_crates_only_warn() {
        for level in [LogLevel::Info, LogLevel::Debug] {
            let kept = kept(level);
            for target in ["hyper::proto", "h2::codec", "tokio_postgres", "rustls"] {
                assert!(!kept.would_enable(target, &Level::INFO), "{target}");
                assert!(kept.would_enable(target, &Level::WARN), "{target}");
            }
            assert!(kept.would_enable("kabinet::edge", &Level::INFO));
        }
        assert!(!kept(LogLevel::Error).would_enable("h2", &Level::WARN));
        let refusals = "webauthn_rs_core::internals";
        assert!(!kept(LogLevel::Debug).would_enable(refusals, &Level::ERROR));
    }
}
