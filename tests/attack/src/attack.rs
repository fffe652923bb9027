//! The attacks.

use std::any::Any;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use futures_util::future::join_all;
use socket2::SockRef;
use statefun_test_support::process::signal;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::black_hole::BlackHole;
use crate::bodies::{self, Body, Mutations};
use crate::client::{ATTACKER, Peer};
use crate::tally::Tally;

/// How many connections are opened at once: all of them would overrun the backlog.
const OPENING: usize = 64;
/// What a client sends in one write.
const PIECE: usize = 256 * 1024;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Attack {
    /// The same body at once on so many connections.
    Bodies { body: Body, at_once: usize },
    /// `sent` of `announced` bytes of a body, then silence, or a byte each tenth of a second.
    HalfBodies { connections: usize, announced: usize, sent: usize, drip: bool, hold: Duration },
    /// So many bytes of a head, none for an idle connection.
    HalfHeads { connections: usize, bytes: usize, hold: Duration },
    /// A body whose response is never read.
    SlowReaders { body: Body, connections: usize, hold: Duration },
    /// Connections that are reset at once.
    Resets { connections: usize },
    /// The healthy request in a closed loop.
    Load { connections: usize, time: Duration },
    /// Requests that cannot be a runtime's.
    Refused { requests: usize },
    /// Requests to merchants, for each of which the scoring service is asked: twice, with a pause.
    Merchants { at_once: usize, pause: Duration },
    /// Mutated requests, on so many connections.
    Mutated { requests: usize, connections: usize },
    /// SIGTERM under the healthy request in a closed loop.
    Terminate { connections: usize, drain: Duration },
}

/// What is attacked.
pub(crate) struct Target {
    pub(crate) peer: Peer,
    pub(crate) process: u32,
    pub(crate) black_hole: Arc<BlackHole>,
}

/// What the attacker saw.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) seen: String,
    /// What may not be, besides the limits of all rows.
    pub(crate) failures: Vec<String>,
    /// Connections that are still there.
    pub(crate) held: Vec<Box<dyn Any + Send>>,
    /// When SIGTERM was sent, where it was.
    pub(crate) terminated: Option<Instant>,
}

impl Attack {
    /// Runs it to its end.
    ///
    /// # Errors
    /// When this machine, not the server, does not let it.
    pub(crate) async fn run(self, target: &Target) -> anyhow::Result<Outcome> {
        let peer = &target.peer;
        match self {
            Self::Bodies { body, at_once } => {
                let (body, mut tally) = (body.bytes(), Tally::default());
                for result in join_all((0..at_once).map(|_| invoke(peer, body.clone()))).await {
                    tally.add_result(&result);
                }
                Ok(Outcome { seen: tally.to_string(), ..Outcome::default() })
            }
            Self::HalfBodies { connections, announced, sent, drip, hold } => {
                let head = head(announced);
                let piece = Bytes::from(vec![0x1a; PIECE.min(sent.max(1))]);
                let send = |mut stream: TcpStream| {
                    let (head, piece) = (head.clone(), piece.clone());
                    async move {
                        stream.write_all(head.as_bytes()).await?;
                        let mut left = sent;
                        while left > 0 {
                            let length = left.min(piece.len());
                            stream.write_all(&piece[..length]).await?;
                            left -= length;
                        }
                        Ok(stream)
                    }
                };
                let (streams, cut) = all(peer, connections, send, hold).await?;
                let streams = if drip { dripping(streams, hold).await } else { silent(streams, hold).await };
                Ok(Outcome { seen: still(&streams, connections, cut), ..Outcome::default() }.holding(streams))
            }
            Self::HalfHeads { connections, bytes, hold } => {
                let mut head = String::new();
                while head.len() < bytes {
                    let line =
                        if head.is_empty() { "POST /statefun HTTP/1.1\r\n".to_owned() } else { header(head.len()) };
                    head.push_str(&line);
                }
                head.truncate(bytes);
                let head = Bytes::from(head);
                let send = |mut stream: TcpStream| {
                    let head = head.clone();
                    async move {
                        stream.write_all(&head).await?;
                        Ok(stream)
                    }
                };
                let (streams, cut) = all(peer, connections, send, hold).await?;
                let streams = silent(streams, hold).await;
                Ok(Outcome { seen: still(&streams, connections, cut), ..Outcome::default() }.holding(streams))
            }
            Self::SlowReaders { body, connections, hold } => {
                let body = body.bytes();
                let head = head(body.len());
                let send = |mut stream: TcpStream| {
                    let (head, body) = (head.clone(), body.clone());
                    async move {
                        // A small window: the system would take what the client does not.
                        SockRef::from(&stream).set_recv_buffer_size(4096)?;
                        stream.write_all(head.as_bytes()).await?;
                        stream.write_all(&body).await?;
                        Ok(stream)
                    }
                };
                let (streams, cut) = all(peer, connections, send, hold).await?;
                sleep(hold).await;
                Ok(Outcome { seen: still(&streams, connections, cut), ..Outcome::default() }.holding(streams))
            }
            Self::Resets { connections } => {
                let reset = |stream: TcpStream| async move {
                    SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
                    Ok(stream)
                };
                let mut opened = 0;
                while opened < connections {
                    let (streams, _) =
                        all(peer, (connections - opened).min(1000), reset, Duration::from_secs(60)).await?;
                    opened += streams.len().max(1);
                }
                Ok(Outcome { seen: format!("{opened} × connected and reset"), ..Outcome::default() })
            }
            Self::Load { connections, time } => load(peer, connections, time).await,
            Self::Refused { requests } => {
                let mut tally = Tally::default();
                for _ in 0..requests {
                    // A frozen server answers none: the first says it.
                    let result = timeout(Duration::from_secs(5), invoke(peer, Bytes::from_static(b"\xff"))).await;
                    let result = result.unwrap_or_else(|_| Err(anyhow!("no answer")));
                    tally.add_result(&result);
                    if result.is_err() {
                        break;
                    }
                }
                let failures = match tally.of("400") {
                    answered if answered == requests as u64 => Vec::new(),
                    answered => vec![format!("frozen after {answered} refusals")],
                };
                Ok(Outcome { seen: tally.to_string(), failures, ..Outcome::default() })
            }
            Self::Merchants { at_once, pause } => merchants(target, at_once, pause).await,
            Self::Mutated { requests, connections } => mutated(peer, requests, connections).await,
            Self::Terminate { connections, drain } => terminate(target, connections, drain).await,
        }
    }
}

impl Outcome {
    fn holding(mut self, streams: Vec<TcpStream>) -> Self {
        self.held = streams.into_iter().map(|stream| Box::new(stream) as Box<dyn Any + Send>).collect();
        self
    }
}

fn head(length: usize) -> String {
    format!(
        "POST /statefun HTTP/1.1\r\nhost: attack\r\ncontent-type: application/octet-stream\r\ncontent-length: {length}\r\n\r\n"
    )
}

/// A header of four kilobytes. A head may have a hundred of them at most.
fn header(number: usize) -> String {
    format!("x-{number}: {}\r\n", "x".repeat(4000))
}

/// Opens connections and does the same on each of them; those that remain, and how many failed.
async fn all<F, T>(
    peer: &Peer,
    connections: usize,
    send: impl Fn(TcpStream) -> F,
    bound: Duration,
) -> anyhow::Result<(Vec<T>, usize)>
where
    F: Future<Output = anyhow::Result<T>> + Send + 'static,
    T: Send + 'static,
{
    let opening = Arc::new(tokio::sync::Semaphore::new(OPENING));
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let permit = Arc::clone(&opening).acquire_owned().await?;
        let stream = match timeout(bound, peer.connect(ATTACKER)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) if is_ours(&error) => return Err(error).context("raise the limit of open files: ulimit -n"),
            Ok(Err(_)) | Err(_) => continue,
        };
        drop(permit);
        tasks.spawn(timeout(bound, send(stream)));
    }
    let done: Vec<T> = tasks.join_all().await.into_iter().filter_map(|result| result.ok()?.ok()).collect();
    let cut = connections - done.len();
    Ok((done, cut))
}

/// Too many open files, here.
fn is_ours(error: &std::io::Error) -> bool {
    matches!(error.raw_os_error(), Some(23 | 24))
}

/// Those that the server has left open after `hold`.
async fn silent(streams: Vec<TcpStream>, hold: Duration) -> Vec<TcpStream> {
    sleep(hold).await;
    streams.into_iter().filter(is_open).collect()
}

/// As [`silent`], with a byte each tenth of a second.
async fn dripping(mut streams: Vec<TcpStream>, hold: Duration) -> Vec<TcpStream> {
    let started = Instant::now();
    while started.elapsed() < hold {
        sleep(Duration::from_millis(100)).await;
        for stream in &mut streams {
            let _ = stream.try_write(b"\x00");
        }
    }
    streams.into_iter().filter(is_open).collect()
}

/// Whether the server has neither answered nor closed.
fn is_open(stream: &TcpStream) -> bool {
    matches!(stream.try_read(&mut [0; 512]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
}

fn still(streams: &[TcpStream], connections: usize, cut: usize) -> String {
    format!("{} of {connections} still open, {cut} cut before", streams.len())
}

async fn invoke(peer: &Peer, body: Bytes) -> anyhow::Result<u16> {
    Ok(peer.open(ATTACKER).await?.invoke(body).await?.status().as_u16())
}

async fn load(peer: &Peer, connections: usize, time: Duration) -> anyhow::Result<Outcome> {
    let (body, started) = (bodies::healthy(), Instant::now());
    let each = (0..connections).map(|_| {
        let (peer, body) = (peer.clone(), body.clone());
        tokio::spawn(async move {
            let mut tally = Tally::default();
            while started.elapsed() < time {
                let Ok(mut connection) = peer.open(ATTACKER).await else {
                    tally.add("no connection");
                    continue;
                };
                while started.elapsed() < time {
                    let result = connection.invoke(body.clone()).await.map(|response| response.status().as_u16());
                    tally.add_result(&result);
                    if result.is_err() {
                        break;
                    }
                }
            }
            tally
        })
    });
    let mut tally = Tally::default();
    for other in join_all(each).await {
        tally.merge(other?);
    }
    let rate = tally.of("200") as f64 / started.elapsed().as_secs_f64();
    Ok(Outcome { seen: format!("{tally} ({rate:.0}/s)"), ..Outcome::default() })
}

async fn merchants(target: &Target, at_once: usize, pause: Duration) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut seen = Vec::new();
    for wave in 0..2 {
        if wave > 0 {
            sleep(pause).await;
        }
        let (before, started) = (target.black_hole.connections.load(Ordering::Relaxed), Instant::now());
        let requests =
            (0..at_once).map(|number| invoke(&target.peer, bodies::merchant(&format!("merchant {wave}.{number}"))));
        let mut tally = Tally::default();
        for result in join_all(requests).await {
            tally.add_result(&result);
        }
        let connections = target.black_hole.connections.load(Ordering::Relaxed) - before;
        seen.push(format!("{tally} in {:.1} s by {connections} connections", started.elapsed().as_secs_f64()));
        if tally.of("200") < at_once as u64 {
            outcome.failures.push(format!("not all got the fallback: {tally}"));
        }
    }
    outcome.seen = seen.join("; ");
    Ok(outcome)
}

async fn mutated(peer: &Peer, requests: usize, connections: usize) -> anyhow::Result<Outcome> {
    let mut mutations = Mutations::new()?;
    let each = (0..connections).map(|_| {
        let (peer, bodies) = (peer.clone(), mutations.by_ref().take(requests / connections).collect::<Vec<_>>());
        tokio::spawn(async move {
            let mut tally = Tally::default();
            let mut connection = peer.open(ATTACKER).await?;
            for body in bodies {
                let result = connection.invoke(body).await.map(|response| response.status().as_u16());
                tally.add_result(&result);
                if result.is_err() || !connection.is_open().await {
                    connection = peer.open(ATTACKER).await?;
                }
            }
            anyhow::Ok(tally)
        })
    });
    // The bodies are made in order, before the first is sent.
    let each: Vec<_> = each.collect();
    let mut tally = Tally::default();
    for other in join_all(each).await {
        tally.merge(other??);
    }
    let failures = match tally.of("no answer") {
        0 => Vec::new(),
        cut => vec![format!("{cut} mutated requests got no answer")],
    };
    Ok(Outcome { seen: tally.to_string(), failures, ..Outcome::default() })
}

/// Until the server does not accept connections any more, all that was sent has its answer.
async fn terminate(target: &Target, connections: usize, drain: Duration) -> anyhow::Result<Outcome> {
    let body = bodies::healthy();
    let each = (0..connections).map(|_| {
        let (peer, body) = (target.peer.clone(), body.clone());
        tokio::spawn(async move {
            let mut tally = Tally::default();
            while let Ok(mut connection) = peer.open(ATTACKER).await {
                for number in 0.. {
                    match connection.invoke(body.clone()).await {
                        Ok(response) => {
                            tally.add(response.status().as_str());
                            let close = response.headers().get("connection").is_some_and(|value| value == "close");
                            if close {
                                tally.add("connection: close");
                                break;
                            }
                        }
                        Err(_) => {
                            // A connection that was never accepted carried no request that could be lost.
                            tally.add(if number == 0 { "not accepted" } else { "no answer" });
                            break;
                        }
                    }
                }
                tokio::task::yield_now().await;
            }
            tally
        })
    });
    let each: Vec<_> = each.collect();
    sleep(drain / 2).await;
    let terminated = Instant::now();
    signal(target.process, "TERM");
    let mut tally = Tally::default();
    for other in join_all(each).await {
        tally.merge(other?);
    }
    let mut failures = Vec::new();
    if tally.of("connection: close") == 0 {
        failures.push("`connection: close` is never said".to_owned());
    }
    if tally.of("no answer") > 0 {
        failures.push(format!("{} requests got no answer", tally.of("no answer")));
    }
    Ok(Outcome { seen: tally.to_string(), failures, terminated: Some(terminated), ..Outcome::default() })
}
