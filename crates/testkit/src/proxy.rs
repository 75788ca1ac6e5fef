//! A TCP proxy that misbehaves at a chosen moment: slow, silent, cut, or cut right after the server
//! did what it was asked to (F6).

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// What happens when the client has sent the marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The message with the marker never reaches the server.
    CutBefore,
    /// The server gets it and answers; the answer never reaches the client.
    CutAfterAnswer,
}

/// A proxy on a free loopback port; connections are cut when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
}

#[derive(Debug)]
struct Shared {
    upstream: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
    closed: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    connections: Vec<(TcpStream, TcpStream)>,
    delay: Duration,
    silent: bool,
    refusing: bool,
    trap: Option<Trap>,
    sprung: u32,
    set: u32,
}

/// `ReadyForQuery` out of any transaction (PostgreSQL's protocol, «Message Formats»).
const IDLE: &[u8] = b"Z\0\0\0\x05I";

/// What springs, on what, and what else happens then.
#[derive(Clone, Debug)]
struct Trap {
    number: u32,
    /// Only on a connection that has sent this since the trap was set.
    after: Option<Vec<u8>>,
    marker: Vec<u8>,
    then: Then,
    refuse: bool,
}

impl Proxy {
    /// A proxy to `upstream`, at first an honest one.
    pub fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free loopback port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            upstream,
            state: Mutex::default(),
            changed: Condvar::new(),
            closed: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        named("proxy-accept", move || accepting.accept(&listener));
        Self { shared, address }
    }

    /// Where to connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every piece of data waits this long, each way.
    pub fn delay(&self, by: Duration) {
        self.shared.state.lock().delay = by;
    }

    /// Connections stay open and nothing gets through, until [`Proxy::resume`].
    pub fn silence(&self) {
        self.shared.state.lock().silent = true;
    }

    /// New connections are closed at once, until [`Proxy::resume`]; live ones are cut.
    pub fn refuse(&self) {
        self.shared.state.lock().refusing = true;
        self.cut();
    }

    /// Ends delay, silence and refusal.
    pub fn resume(&self) {
        let mut state = self.shared.state.lock();
        state.silent = false;
        state.refusing = false;
        state.delay = Duration::ZERO;
        self.shared.changed.notify_all();
    }

    /// Cuts every live connection now.
    pub fn cut(&self) {
        for (client, server) in self.shared.state.lock().connections.drain(..) {
            let _ = client.shutdown(Shutdown::Both);
            let _ = server.shutdown(Shutdown::Both);
        }
        self.shared.changed.notify_all();
    }

    /// Once, on the next connection that sends `marker` (for PostgreSQL: `b"COMMIT"`).
    pub fn trap(&self, marker: &[u8], then: Then) {
        self.shared.set(None, marker, then, false);
    }

    /// The same on the connection that first sends `after`, such as a value of the one request that is meant.
    /// At that moment every other connection is cut and new ones are refused, until [`Proxy::resume`]: whoever
    /// is cut cannot look at what became of it.
    pub fn trap_and_refuse(&self, after: &[u8], marker: &[u8], then: Then) {
        self.shared.set(Some(after), marker, then, true);
    }

    /// How many traps went off.
    pub fn sprung(&self) -> u32 {
        self.shared.state.lock().sprung
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        self.resume();
        self.cut();
        // Wakes the accepting thread, which then sees that it is over.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn set(&self, after: Option<&[u8]>, marker: &[u8], then: Then, refuse: bool) {
        let mut state = self.state.lock();
        state.set += 1;
        state.trap = Some(Trap {
            number: state.set,
            after: after.map(<[u8]>::to_vec),
            marker: marker.to_vec(),
            then,
            refuse,
        });
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming().flatten() {
            if self.closed.load(Ordering::SeqCst) {
                return;
            }
            if self.state.lock().refusing {
                continue;
            }
            let Ok(server) = TcpStream::connect(self.upstream) else {
                continue;
            };
            let _ = client.set_nodelay(true);
            let _ = server.set_nodelay(true);
            let pair = (twin(&client), twin(&server));
            self.state.lock().connections.push(pair);
            // Set by one direction, obeyed by the other: swallow the next answer and cut.
            let swallow = Arc::new(AtomicBool::new(false));
            let (shared, flag) = (Arc::clone(self), Arc::clone(&swallow));
            let (from, to) = (twin(&client), twin(&server));
            named("proxy-up", move || shared.pump_up(from, to, &flag));
            let shared = Arc::clone(self);
            named("proxy-down", move || {
                shared.pump_down(server, client, &swallow)
            });
        }
    }

    fn pump_up(&self, mut from: TcpStream, mut to: TcpStream, swallow: &AtomicBool) {
        let mut buffer = vec![0; 64 * 1024];
        // The tail of what was sent, because a marker may be split between two reads.
        let mut tail: Vec<u8> = Vec::new();
        let mut meant = 0;
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            self.hold_back();
            let data = &buffer[..length];
            tail.extend_from_slice(data);
            match self.springs(&mut tail, &mut meant, &from) {
                Some(Then::CutBefore) => break,
                Some(Then::CutAfterAnswer) => swallow.store(true, Ordering::SeqCst),
                None => {}
            }
            // What was sent before a trap is set must not spring it.
            let keep = if self.state.lock().trap.is_some() {
                256
            } else {
                0
            };
            tail.drain(..tail.len().saturating_sub(keep));
            if to.write_all(data).is_err() {
                break;
            }
        }
        end(&from, &to);
    }

    fn pump_down(&self, mut from: TcpStream, mut to: TcpStream, swallow: &AtomicBool) {
        let mut buffer = vec![0; 64 * 1024];
        let mut tail: Vec<u8> = Vec::new();
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            self.hold_back();
            let data = &buffer[..length];
            if swallow.load(Ordering::SeqCst) {
                // The server may answer in pieces, and loses interest in what it has not done yet when its
                // client goes: the answer is over when it is out of the transaction.
                tail.extend_from_slice(data);
                if tail.ends_with(IDLE) {
                    break;
                }
            } else if to.write_all(data).is_err() {
                break;
            }
        }
        end(&from, &to);
    }

    fn hold_back(&self) {
        let mut state = self.state.lock();
        while state.silent {
            self.changed.wait(&mut state);
        }
        let delay = state.delay;
        drop(state);
        thread::sleep(delay);
    }

    fn springs(&self, sent: &mut Vec<u8>, meant: &mut u32, from: &TcpStream) -> Option<Then> {
        let mut state = self.state.lock();
        let trap = state.trap.as_ref()?;
        if *meant != trap.number {
            let end = trap.after.as_ref().map_or(Some(0), |after| {
                find(sent, after).map(|start| start + after.len())
            });
            // Markers that were sent before what is meant are of somebody else's.
            sent.drain(..end?);
            *meant = trap.number;
        }
        find(sent, &trap.marker)?;
        let (then, refuse) = (trap.then, trap.refuse);
        state.trap = None;
        state.sprung += 1;
        if refuse {
            state.refusing = true;
            let own = from.peer_addr().ok();
            for (client, server) in &state.connections {
                if client.peer_addr().ok() != own {
                    end(client, server);
                }
            }
        }
        Some(then)
    }
}

fn find(bytes: &[u8], marker: &[u8]) -> Option<usize> {
    let mut windows = bytes.windows(marker.len());
    windows.position(|window| window == marker)
}

fn twin(stream: &TcpStream) -> TcpStream {
    stream.try_clone().expect("file descriptors are left")
}

fn end(one: &TcpStream, other: &TcpStream) {
    let _ = one.shutdown(Shutdown::Both);
    let _ = other.shutdown(Shutdown::Both);
}

fn named(name: &str, work: impl FnOnce() + Send + 'static) {
    thread::Builder::new()
        .name(name.into())
        .spawn(work)
        .expect("threads are left");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::databases;

    fn through(proxy: &Proxy, url: &str) -> String {
        let (_, name) = url.rsplit_once('/').unwrap();
        format!("postgres://kabinet@{}/{name}", proxy.address())
    }

    fn upstream(url: &str) -> SocketAddr {
        let (_, rest) = url.split_once('@').unwrap();
        rest.split('/').next().unwrap().parse().unwrap()
    }

    async fn insert(url: &str, id: i64) -> Result<(), tokio_postgres::Error> {
        let (mut client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        let tx = client.transaction().await?;
        tx.execute("INSERT INTO thing VALUES ($1)", &[&id]).await?;
        tx.commit().await
    }

    /// F6: the trap before COMMIT loses the row, the trap after it keeps the row and loses the answer.
    #[tokio::test(flavor = "multi_thread")]
    async fn cuts_before_and_after_the_commit() {
        let database = databases().create();
        database
            .run("CREATE TABLE thing (id BIGINT PRIMARY KEY)")
            .unwrap();
        let proxy = Proxy::start(upstream(&database.url()));
        let url = through(&proxy, &database.url());
        insert(&url, 1).await.unwrap();
        assert!(database.run("INSERT INTO thing VALUES (1)").is_err());

        proxy.trap(b"COMMIT", Then::CutBefore);
        insert(&url, 2).await.unwrap_err();
        database.run("INSERT INTO thing VALUES (2)").unwrap();

        proxy.trap(b"COMMIT", Then::CutAfterAnswer);
        insert(&url, 3).await.unwrap_err();
        assert!(
            database
                .run("INSERT INTO thing VALUES (3)")
                .unwrap_err()
                .starts_with("23505")
        );
        assert_eq!(proxy.sprung(), 2);

        insert(&url, 4).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn is_silent_slow_and_closed_when_told() {
        let database = databases().create();
        database
            .run("CREATE TABLE thing (id BIGINT PRIMARY KEY)")
            .unwrap();
        let proxy = Proxy::start(upstream(&database.url()));
        let url = through(&proxy, &database.url());
        proxy.silence();
        let quick = Duration::from_millis(300);
        assert!(tokio::time::timeout(quick, insert(&url, 1)).await.is_err());
        proxy.refuse();
        insert(&url, 2).await.unwrap_err();
        proxy.resume();
        proxy.delay(Duration::from_millis(100));
        assert!(tokio::time::timeout(quick, insert(&url, 3)).await.is_err());
        proxy.resume();
        insert(&url, 4).await.unwrap();
    }
}
