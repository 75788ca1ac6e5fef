//! Callers that ask again as soon as they are answered, how long that took, and what it cost whom.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Ticks of processor time in a second, as Linux shows them on every platform.
const TICKS: f64 = 100.0;
/// The longest answer that is read, bytes.
const ANSWER_MAX: usize = 1024 * 1024;

/// Processor seconds of these processes so far, all threads, user and system.
pub fn cpu(pids: &[u32]) -> f64 {
    pids.iter().map(|pid| cpu_of(*pid)).sum()
}

fn cpu_of(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in brackets may hold anything, so count from its end.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = |place| -> f64 {
        let field = fields.split_whitespace().nth(place);
        field.and_then(|text| text.parse().ok()).unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / TICKS
}

/// A load that was measured.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Answers.
    pub done: u64,
    /// How long the callers ran.
    pub took: Duration,
    /// Processor seconds of those asked.
    pub cpu: f64,
    /// Half were answered within.
    pub p50: Duration,
    /// 99 of 100 were answered within.
    pub p99: Duration,
}

impl Measured {
    /// Answers in a second.
    pub fn rate(&self) -> f64 {
        count(self.done) / self.took.as_secs_f64()
    }

    /// Answers in a second of processor time: what one core gives when nothing else runs on it.
    pub fn per_core(&self) -> f64 {
        count(self.done) / self.cpu.max(f64::MIN_POSITIVE)
    }

    /// Processor milliseconds of one answer.
    pub fn cpu_ms(&self) -> f64 {
        1000.0 * self.cpu / count(self.done).max(1.0)
    }

    /// `p50 1.2 ms, p99 3.4 ms`.
    pub fn times(&self) -> String {
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        format!("p50 {:.1} ms, p99 {:.1} ms", ms(self.p50), ms(self.p99))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate")]
fn count(n: u64) -> f64 {
    n as f64
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1)
}

/// Answer times, from a microsecond to a minute, to three digits.
fn times() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000, 3).expect("sound bounds")
}

fn measured(times: &Histogram<u64>, took: Duration, cpu: f64) -> Measured {
    Measured {
        done: times.len(),
        took,
        cpu,
        p50: Duration::from_micros(times.value_at_quantile(0.5)),
        p99: Duration::from_micros(times.value_at_quantile(0.99)),
    }
}

/// `work` by `callers` at once for `time`; `pids` are charged. `work` gets a number that never repeats.
pub async fn calls<W, F>(callers: usize, time: Duration, pids: &[u32], work: W) -> Measured
where
    W: Fn(usize) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let work = Arc::new(work);
    let next = Arc::new(AtomicUsize::new(0));
    let before = cpu(pids);
    let began = Instant::now();
    let mut set = tokio::task::JoinSet::new();
    for _ in 0..callers {
        let (work, next) = (Arc::clone(&work), Arc::clone(&next));
        set.spawn(async move {
            let mut times = times();
            while began.elapsed() < time {
                let one = Instant::now();
                work(next.fetch_add(1, Ordering::Relaxed)).await;
                times.saturating_record(micros(one.elapsed()));
            }
            times
        });
    }
    let mut all = times();
    while let Some(times) = set.join_next().await {
        all.add(times.expect("a caller")).expect("the same bounds");
    }
    let took = began.elapsed();
    measured(&all, took, cpu(pids) - before)
}

/// The sum of several measurements; the median of their percentiles.
pub fn sum(parts: &[Measured]) -> Measured {
    Measured {
        done: parts.iter().map(|m| m.done).sum(),
        took: parts.iter().map(|m| m.took).sum(),
        cpu: parts.iter().map(|m| m.cpu).sum(),
        p50: median(parts.iter().map(|m| m.p50).collect()),
        p99: median(parts.iter().map(|m| m.p99).collect()),
    }
}

/// The one in the middle.
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// A connection that is kept open: as little of a client as will do, because it shares the cores.
pub struct Http {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http").finish_non_exhaustive()
    }
}

impl Http {
    /// Connects to a port of this machine.
    pub async fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port))
            .await
            .expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        Self {
            stream,
            buffer: Vec::with_capacity(64 * 1024),
        }
    }

    /// Sends a whole request, reads a whole answer; gives its status and all its bytes.
    pub async fn ask(&mut self, request: &[u8]) -> (u16, &[u8]) {
        self.stream.write_all(request).await.expect("it is read");
        self.buffer.clear();
        loop {
            if let Some(length) = answer_length(&self.buffer)
                && self.buffer.len() >= length
            {
                break;
            }
            let read = self.stream.read_buf(&mut self.buffer).await;
            assert!(read.expect("an answer") > 0, "the server hung up");
            assert!(self.buffer.len() < ANSWER_MAX, "an answer without end");
        }
        let status = self.buffer.get(9..12).unwrap_or_default();
        let status = std::str::from_utf8(status).unwrap_or_default();
        (status.parse().unwrap_or(0), &self.buffer)
    }
}

/// Bytes of head and body, once the head is whole.
fn answer_length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).ok()?;
    let body = text.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse::<usize>().ok())?
    });
    Some(head + body.expect("answers have a length"))
}

/// `requests` over `connections` for `time`, in an order that jumps about, so that neighbours in the list are
/// not neighbours in time. Every answer must have the status `expected`.
pub async fn http(
    port: u16,
    connections: usize,
    time: Duration,
    pids: &[u32],
    requests: &Arc<Vec<Vec<u8>>>,
    expected: u16,
) -> Measured {
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(Http::connect(port).await);
    }
    let before = cpu(pids);
    let began = Instant::now();
    let mut set = tokio::task::JoinSet::new();
    for (place, mut http) in open.into_iter().enumerate() {
        let requests = Arc::clone(requests);
        set.spawn(async move {
            let mut times = times();
            let mut at = place * 7_919;
            while began.elapsed() < time {
                at = at.wrapping_add(104_729);
                let one = Instant::now();
                let (status, answer) = http.ask(&requests[at % requests.len()]).await;
                times.saturating_record(micros(one.elapsed()));
                assert_eq!(status, expected, "{}", String::from_utf8_lossy(answer));
            }
            times
        });
    }
    let mut all = times();
    while let Some(times) = set.join_next().await {
        all.add(times.expect("a caller")).expect("the same bounds");
    }
    let took = began.elapsed();
    measured(&all, took, cpu(pids) - before)
}

/// Processes that want to run now, others' work included: `1.50 of the last minute`.
pub fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}
