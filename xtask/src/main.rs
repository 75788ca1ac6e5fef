//! Checks, generated files, tests and benches, run as `cargo xtask …`.
#![expect(
    clippy::disallowed_methods,
    reason = "a developer's tool reads the environment and the real clock"
)]

mod checks;
mod run;
mod test;
mod tools;
mod tree;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask test      install what the tests need, then every check, lint and test
cargo xtask check     the tidy checks alone: seconds, no tools needed
cargo xtask tools     install what the tests need, and nothing else
cargo xtask derive    write files made from the code anew: the OpenAPI document, query plans
cargo xtask bench     speed and memory against raw limits, in release
cargo xtask release   lock the hashes of all present migrations, once they are released";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = arguments
        .split_first()
        .map_or(("help", &[][..]), |(command, rest)| {
            (command.as_str(), rest)
        });
    let done = match command {
        "test" => test::all(rest),
        "check" => checks::all(),
        "tools" => tools::install(),
        "derive" => test::derive(),
        "bench" => test::bench(rest),
        "release" => checks::migrations::lock_all(),
        _ => {
            eprintln!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
