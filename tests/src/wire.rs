//! HTTP/1.1 by hand: from any address of this machine, every byte of the answer kept, the time taken.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

/// A connection that is kept open.
#[derive(Debug)]
pub struct Wire {
    stream: BufReader<TcpStream>,
    host: String,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Names in lower case with their values, in the order they came.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// From the first byte of the request to the last of the answer.
    pub took: Duration,
}

impl Answer {
    /// The first header of a name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The value of a cookie that is set.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let set = self
            .headers
            .iter()
            .filter(|(known, _)| known == "set-cookie");
        let pairs = set.filter_map(|(_, value)| value.split(';').next()?.split_once('='));
        pairs
            .into_iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }
}

/// A connection of this machine's address `from` to a local port.
pub fn connect_from(from: [u8; 4], port: u16) -> std::io::Result<TcpStream> {
    use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    bind(&socket, &SocketAddr::from((from, 0)))?;
    connect(&socket, &SocketAddr::from(([127, 0, 0, 1], port)))?;
    Ok(TcpStream::from(socket))
}

impl Wire {
    /// Connects from an address, to be addressed as `host`.
    pub fn connect(from: [u8; 4], port: u16, host: &str) -> std::io::Result<Self> {
        let stream = connect_from(from, port)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
            host: host.to_owned(),
        })
    }

    /// Asks and reads the whole answer; redirects are not followed.
    pub fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> std::io::Result<Answer> {
        let host = &self.host;
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        if method != "GET" {
            request.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        request.push_str("\r\n");
        request.push_str(body);
        let began = Instant::now();
        self.stream.get_mut().write_all(request.as_bytes())?;
        self.read(began)
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }

    fn read(&mut self, began: Instant) -> std::io::Result<Answer> {
        let first = self.line()?;
        let status = first.split(' ').nth(1).and_then(|code| code.parse().ok());
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length: Option<usize> = length.and_then(|(_, value)| value.parse().ok());
        let mut bytes = Vec::new();
        if let Some(length) = length {
            bytes.resize(length, 0);
            self.stream.read_exact(&mut bytes)?;
        } else if headers.iter().any(|(name, _)| name == "transfer-encoding") {
            loop {
                let size = usize::from_str_radix(&self.line()?, 16).unwrap_or(0);
                let mut chunk = vec![0; size];
                self.stream.read_exact(&mut chunk)?;
                self.line()?;
                bytes.extend(chunk);
                if size == 0 {
                    break;
                }
            }
        }
        Ok(Answer {
            status: status.ok_or(std::io::ErrorKind::InvalidData)?,
            headers,
            body: String::from_utf8_lossy(&bytes).into_owned(),
            took: began.elapsed(),
        })
    }
}
