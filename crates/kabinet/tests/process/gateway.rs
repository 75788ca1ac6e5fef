//! A gateway for SMS of the test's own, which answers, or takes a message and says nothing.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long it hangs before it answers.
const HANG: Duration = Duration::from_secs(30);

/// It lives as long as the test process.
pub struct Gateway {
    address: SocketAddr,
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    hangs: AtomicBool,
    hanging: AtomicUsize,
    handed: Mutex<Vec<(String, String)>>,
}

impl Gateway {
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Inner::default());
        let accepting = Arc::clone(&inner);
        named(move || {
            for stream in listener.incoming().flatten() {
                let inner = Arc::clone(&accepting);
                named(move || {
                    let _ = inner.talk(stream);
                });
            }
        });
        Self { address, inner }
    }

    /// The configuration of an installation that sends its SMS here.
    pub fn config(&self) -> String {
        format!(
            "[privacy]\ncompany_name = \"ООО Пример\"\nsupport_phone = \"+7 800 000-00-00\"\n\
             [sms]\nkind = \"http\"\nurl = \"http://{}/send\"\ntimeout = \"40s\"\n\
             body = '{{\"to\":\"{{to_digits}}\",\"text\":\"{{text}}\"}}'\n",
            self.address
        )
    }

    /// From now on every message is taken and answered after 30 seconds.
    pub fn hang(&self) {
        self.inner.hangs.store(true, Ordering::SeqCst);
    }

    /// Messages that wait for their answer.
    pub fn hanging(&self) -> usize {
        self.inner.hanging.load(Ordering::SeqCst)
    }

    /// What somebody was sent, oldest first.
    pub fn texts(&self, phone: &str) -> Vec<String> {
        let handed = self.inner.handed.lock().unwrap();
        let to = phone.trim_start_matches('+');
        let mine = handed.iter().filter(|(known, _)| known == to);
        mine.map(|(_, text)| text.clone()).collect()
    }

    /// The code somebody was sent, if that happens within `limit`.
    pub fn code(&self, phone: &str, limit: Duration) -> Option<String> {
        let began = Instant::now();
        while began.elapsed() < limit {
            if let Some(text) = self.texts(phone).first() {
                let mut words = text.split(|c: char| !c.is_ascii_digit());
                return words.find(|word| word.len() == 6).map(ToOwned::to_owned);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }
}

impl Inner {
    fn talk(&self, stream: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        loop {
            let mut length = 0;
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).ok()? == 0 {
                    return None;
                }
                let line = line.trim_end().to_ascii_lowercase();
                if let Some(value) = line.strip_prefix("content-length:") {
                    length = value.trim().parse().ok()?;
                }
                if line.is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            let said: serde_json::Value = serde_json::from_slice(&body).ok()?;
            let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
            self.handed.lock().unwrap().push((text("to"), text("text")));
            if self.hangs.load(Ordering::SeqCst) {
                self.hanging.fetch_add(1, Ordering::SeqCst);
                std::thread::sleep(HANG);
                self.hanging.fetch_sub(1, Ordering::SeqCst);
            }
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
            reader.get_mut().write_all(answer).ok()?;
        }
    }
}

fn named(work: impl FnOnce() + Send + 'static) {
    let named = std::thread::Builder::new().name("gateway".into());
    named.spawn(work).unwrap();
}
