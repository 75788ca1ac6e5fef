//! Carriers of the test's own: an HTTP gateway for SMS and calls and a mail server. They outlive every kill of the
//! program, so what they were handed is the truth about what was sent, and how often.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use parking_lot::Mutex;
use serde_json::Value;

/// A message as a carrier was handed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handed {
    /// Our own id of the message, which a second copy shares.
    pub id: String,
    /// Digits of a number, or an address.
    pub to: String,
    /// What it says; of a call, its code.
    pub text: String,
}

/// Numbers that end so are refused for good.
pub const REFUSED: &str = "0400";
/// Numbers that end so get no answer.
pub const SILENT: &str = "0499";
/// Mailboxes of this name do not exist.
pub const GONE: &str = "gone.";

/// Both carriers, each on a port of its own, as long as the test process lives.
#[derive(Debug, Clone)]
pub struct Carriers {
    http: SocketAddr,
    smtp: SocketAddr,
    handed: Arc<Mutex<Vec<Handed>>>,
}

impl Carriers {
    /// Starts both.
    pub fn start() -> Self {
        let handed = Arc::new(Mutex::new(Vec::new()));
        Self {
            http: serve("gateway", Arc::clone(&handed), gateway),
            smtp: serve("mail-server", Arc::clone(&handed), mail),
            handed,
        }
    }

    /// Everything so far, oldest first.
    pub fn handed(&self) -> Vec<Handed> {
        self.handed.lock().clone()
    }

    /// The sections of a configuration that leads here. `secret` signs the gateway's reports.
    pub fn config(&self, secret: &str) -> String {
        let (http, smtp) = (self.http, self.smtp);
        let way = |path: &str, text: &str| {
            format!(
                "kind = \"http\"\nurl = \"http://{http}/{path}\"\nreport_secret = \"{secret}\"\n\
                 body = '{{\"id\":\"{{id}}\",\"to\":\"{{to_digits}}\",\"text\":\"{text}\"}}'\n\
                 success = {{ id_pointer = \"/id\" }}\n"
            )
        };
        format!(
            "[sms]\n{}[call]\n{}[email]\nkind = \"smtp\"\nhost = \"{}\"\nport = {}\ntls = \"none\"\n\
             from = \"Kabinet <no-reply@kabinet.example>\"\n",
            way("sms", "{text}"),
            way("call", "{code}"),
            smtp.ip(),
            smtp.port()
        )
    }
}

type Kept = Arc<Mutex<Vec<Handed>>>;

fn serve(name: &str, kept: Kept, talk: fn(TcpStream, &Kept) -> std::io::Result<()>) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = listener.local_addr().expect("an address");
    let accept = move || {
        for stream in listener.incoming().flatten() {
            let kept = Arc::clone(&kept);
            // The program is killed in the middle of a conversation: that is what this is for.
            let talk = move || drop(talk(stream, &kept));
            let talking = thread::Builder::new().name("carrier".into()).spawn(talk);
            talking.expect("threads are left");
        }
    };
    let accepting = thread::Builder::new().name(name.into()).spawn(accept);
    accepting.expect("threads are left");
    address
}

fn gateway(stream: TcpStream, kept: &Kept) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let said: Value = serde_json::from_slice(&body).unwrap_or_default();
        let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
        let handed = Handed {
            id: text("id"),
            to: text("to"),
            text: text("text"),
        };
        let (id, to) = (handed.id.clone(), handed.to.clone());
        if !to.ends_with(REFUSED) {
            kept.lock().push(handed);
        }
        if to.ends_with(SILENT) {
            return Ok(());
        }
        let (status, answer) = if to.ends_with(REFUSED) {
            ("400 Bad Request", "{}".to_owned())
        } else {
            ("200 OK", serde_json::json!({ "id": id }).to_string())
        };
        let length = answer.len();
        write!(
            reader.get_mut(),
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{answer}"
        )?;
    }
}

fn mail(stream: TcpStream, kept: &Kept) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    reader.get_mut().write_all(b"220 test\r\n")?;
    let mut to = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let answer: &[u8] = match verb.as_str() {
            "RCPT" => {
                to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                if to.starts_with(GONE) {
                    b"550 5.1.1 no such mailbox\r\n"
                } else {
                    b"250 ok\r\n"
                }
            }
            "DATA" => {
                reader.get_mut().write_all(b"354 go on\r\n")?;
                let mut letter = String::new();
                loop {
                    let mut line = String::new();
                    if reader.read_line(&mut line)? == 0 {
                        return Ok(());
                    }
                    if line.trim_end() == "." {
                        break;
                    }
                    letter.push_str(&line);
                }
                let id = letter
                    .lines()
                    .find_map(|line| line.strip_prefix("Message-ID:"));
                let id = id.unwrap_or_default().trim().to_owned();
                // Quoted-printable is the only encoding of an English letter; what parts it is chance.
                let (_, body) = letter.split_once("\r\n\r\n").unwrap_or_default();
                let text = body.replace("=\r\n", "").replace("=3D", "=");
                let lines = text.lines().filter(|line| !line.starts_with("--"));
                let text = lines.collect::<Vec<_>>().join("\n");
                kept.lock().push(Handed {
                    id,
                    to: to.clone(),
                    text,
                });
                b"250 taken\r\n"
            }
            "QUIT" => {
                return reader.get_mut().write_all(b"221 bye\r\n");
            }
            _ => b"250 ok\r\n",
        };
        reader.get_mut().write_all(answer)?;
    }
}
