//! A socket whose peer must begin to speak, and must read what it asked for.
//!
//! The HTTP library bounds the time of HTTP/1 headers once it knows that it is HTTP/1. Until then, while the
//! first bytes could still become the preface of HTTP/2, and whenever an answer is not taken, nobody else looks
//! at the clock (A105).

use std::future::Future;
use std::io;
use std::pin::Pin;
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
}

impl Guarded {
    pub(super) fn new(stream: TcpStream, hello: Duration, write_timeout: Duration) -> Self {
        Self {
            stream,
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
        let wrote = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
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
