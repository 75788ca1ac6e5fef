//! A socket whose peer must begin to speak, and must read what it asked for.
//!
//! The HTTP library bounds the time of HTTP/1 headers once it knows that it is HTTP/1. Until then, while the
//! first bytes could still become the preface of HTTP/2, and whenever an answer is not taken, nobody else looks
//! at the clock (A105). And what the library answers by itself to something that is no request, or too much of one,
//! gets the safety headers of every other answer here (A32): it asks nobody before it says it.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// How HTTP/2 begins (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A bounded socket.
pub(super) struct Guarded {
    stream: TcpStream,
    /// Running while nobody knows yet which HTTP it is.
    hello: Option<Pin<Box<Sleep>>>,
    /// How many bytes of the preface have been seen.
    seen: usize,
    /// Running while the peer takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    write_timeout: Duration,
    /// Lines of safety headers.
    safety: Arc<str>,
    /// An answer of the library's own with them, and how much of it is written.
    own: Option<(Vec<u8>, usize)>,
}

impl Guarded {
    pub(super) fn new(
        stream: TcpStream,
        hello: Duration,
        write_timeout: Duration,
        safety: Arc<str>,
    ) -> Self {
        Self {
            stream,
            safety,
            own: None,
            hello: Some(Box::pin(sleep(hello))),
            seen: 0,
            stalled: None,
            write_timeout,
        }
    }

    /// Looks at the first bytes, until they are the whole preface or cannot become it.
    fn greet(&mut self, new: &[u8]) {
        let rest = PREFACE.get(self.seen..).unwrap_or_default();
        let known = new.len().min(rest.len());
        let fits = new.get(..known) == rest.get(..known);
        self.seen = self.seen.saturating_add(known);
        if !fits || self.seen >= PREFACE.len() {
            self.hello = None;
        }
    }

    fn written<T>(
        &mut self,
        cx: &mut Context<'_>,
        wrote: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if wrote.is_ready() {
            self.stalled = None;
            return wrote;
        }
        let wait = self.write_timeout;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(wait)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Guarded {
    /// Whether `bytes` are written in a form of ours; gives how that went.
    fn write_own(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Option<Poll<io::Result<usize>>> {
        let (text, mut from) = match self.own.take() {
            Some(begun) => begun,
            None => (with_safety(bytes, &self.safety)?, 0),
        };
        loop {
            let rest = text.get(from..).unwrap_or_default();
            if rest.is_empty() {
                return Some(Poll::Ready(Ok(bytes.len())));
            }
            match Pin::new(&mut self.stream).poll_write(cx, rest) {
                Poll::Ready(Ok(0)) => {
                    return Some(Poll::Ready(Err(io::ErrorKind::WriteZero.into())));
                }
                Poll::Ready(Ok(wrote)) => from = from.saturating_add(wrote),
                Poll::Ready(Err(error)) => return Some(Poll::Ready(Err(error))),
                Poll::Pending => {
                    self.own = Some((text, from));
                    return Some(Poll::Pending);
                }
            }
        }
    }
}

/// A whole head of a 4xx without our headers, with them. Every answer of ours has them already.
fn with_safety(bytes: &[u8], safety: &str) -> Option<Vec<u8>> {
    const POLICY: &[u8] = b"content-security-policy";
    let head = bytes.strip_suffix(b"\r\n\r\n")?;
    let is_refusal = head.starts_with(b"HTTP/1.") && head.get(8..10) == Some(b" 4");
    let mut windows = head.windows(POLICY.len());
    if !is_refusal || windows.any(|window| window.eq_ignore_ascii_case(POLICY)) {
        return None;
    }
    Some([head, b"\r\n", safety.as_bytes(), b"\r\n"].concat())
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let Some(hello) = self.hello.as_mut() else {
            return read;
        };
        match read {
            Poll::Pending => {
                ready!(hello.as_mut().poll(cx));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => {
                let new = buffer.filled().get(before..).unwrap_or_default();
                self.greet(new);
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wrote = match self.write_own(cx, bytes) {
            Some(wrote) => wrote,
            None => Pin::new(&mut self.stream).poll_write(cx, bytes),
        };
        self.written(cx, wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // A head without a body is one part.
        let own = match parts {
            [part] => self.write_own(cx, part),
            _ => None,
        };
        let wrote = match own {
            Some(wrote) => wrote,
            None => Pin::new(&mut self.stream).poll_write_vectored(cx, parts),
        };
        self.written(cx, wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
