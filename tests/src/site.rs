//! Pages from memory under the product's own content security policy, for looking at samples.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// The product's policy for pages, as the demo has it.
const POLICY: &str = "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; \
    frame-ancestors 'self'; require-trusted-types-for 'script'; trusted-types kabinet";

/// A server of fixed answers on a loopback port; it lives as long as the test process.
#[derive(Clone, Debug)]
pub struct Site {
    address: SocketAddr,
}

/// Content type and bytes by path.
pub type Files = BTreeMap<String, (String, Vec<u8>)>;

impl Site {
    /// Serves `files`, everything else is 404.
    pub fn start(files: Files) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free loopback port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let files = Arc::new(files);
        let accept = move || {
            for stream in listener.incoming().flatten() {
                let files = Arc::clone(&files);
                // The browser may hang up at any time: that is no failure of the test.
                let serve = move || drop(answer(&stream, &files));
                let served = thread::Builder::new()
                    .name("site-answer".into())
                    .spawn(serve);
                served.expect("threads are left");
            }
        };
        let accepting = thread::Builder::new().name("site".into()).spawn(accept);
        accepting.expect("threads are left");
        Self { address }
    }

    /// The address of a file.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

fn answer(mut stream: &TcpStream, files: &Files) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    while lines
        .next()
        .transpose()?
        .is_some_and(|line| !line.is_empty())
    {}
    let path = first.split(' ').nth(1).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    let missing = ("text/plain".to_owned(), Vec::new());
    let (status, (kind, body)) = match files.get(path) {
        Some(file) => ("200 OK", file),
        None => ("404 Not Found", &missing),
    };
    // As the product has it: what all pages share is asked for once.
    let keep = if path.starts_with("/assets/") {
        "Cache-Control: public, max-age=31536000, immutable\r\n"
    } else {
        ""
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
         Content-Security-Policy: {POLICY}\r\n{keep}Connection: close\r\n\r\n",
        body.len()
    )?;
    stream.write_all(body)
}
