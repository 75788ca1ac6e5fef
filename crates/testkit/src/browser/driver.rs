//! Chromedriver, which starts Chromium and speaks to it.

use std::{
    io::{BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
    thread,
};

use crate::tools;

/// Starts chromedriver on a port of its own choice and answers the port.
///
/// It chooses a port that is free for IPv6 and gives up when somebody has the same one for IPv4, as any server or
/// connection of a test beside it may: it is asked until both are free.
pub(super) fn start() -> (Child, u16) {
    const TRIES: u32 = 20;
    let program = tools::needed(&["chromedriver"]);
    let mut said = String::new();
    for _ in 0..TRIES {
        let mut driver = Command::new(&program)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("chromedriver starts");
        let mut lines = BufReader::new(driver.stdout.take().expect("piped")).lines();
        let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let port = named_port(&line);
            said = line;
            port
        });
        let Some(port) = port else {
            driver.wait().expect("chromedriver is our child");
            continue;
        };
        // Read on, else it would stop at a full pipe.
        thread::Builder::new()
            .name("chromedriver-output".into())
            .spawn(move || lines.for_each(drop))
            .expect("threads are left");
        return (driver, port);
    }
    panic!("chromedriver named no port in {TRIES} tries; its last words: {said}")
}

fn named_port(line: &str) -> Option<u16> {
    let (_, port) = line.split_once("successfully on port ")?;
    port.trim_end_matches('.').parse().ok()
}
