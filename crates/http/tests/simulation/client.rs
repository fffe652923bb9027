//! What clients do, each in a manner of its own, and what becomes of their requests.

use std::future::{Future, pending};
use std::io;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use prost::Message as _;
use statefun_sdk::protocol::reqreply::{FromFunction, from_function};
use statefun_test_support::request::{Batch, typed};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::time::{Instant, sleep, timeout};
use turmoil_net::shim::tokio::net::TcpStream;

use crate::journal::{FUNCTION, NUMBER};
use crate::network::{Host, OnHost, RECEIVE_BUFFER};

/// Longer than a server lets any client wait: for a body, for an idle connection.
const PATIENCE: Duration = Duration::from_secs(100);

/// What a request orders its function to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) number: u32,
    /// How long to work.
    pub(crate) millis: u32,
    /// How many bytes to respond.
    pub(crate) bytes: u32,
}

impl Order {
    pub(crate) fn of(value: &[u8]) -> Self {
        let field = |at: usize| u32::from_le_bytes(value[4 * at..][..4].try_into().unwrap());
        Self { number: field(0), millis: field(1), bytes: field(2) }
    }

    pub(crate) fn response(self) -> Vec<u8> {
        vec![self.number as u8; self.bytes as usize]
    }
}

/// How a client sends a request and takes the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// All of it at once.
    AtOnce,
    /// In as many pieces, with pauses.
    InPieces(usize),
    /// Its response, with pauses.
    ReadsSlowly,
    /// It goes away after so many milliseconds.
    GoesAway(u64),
    /// It sends so many parts of a hundred, and no more.
    Stops(usize),
    /// It never reads.
    StopsReading,
}

impl Manner {
    pub(crate) fn is_patient(self) -> bool {
        matches!(self, Self::AtOnce | Self::InPieces(_) | Self::ReadsSlowly)
    }

    pub(crate) fn takes_responses(self) -> bool {
        self.is_patient() || matches!(self, Self::Stops(_))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An order, in a body that is larger by so many bytes.
    Invocation(Order, usize),
    /// `GET /readyz`.
    Readiness(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    /// How many milliseconds after the last one.
    pub(crate) pause: u64,
    pub(crate) kind: Kind,
    pub(crate) manner: Manner,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Response(Answer),
    /// The connection ended before there was a whole response.
    Closed(io::ErrorKind),
    /// There was no connection to be had.
    NotConnected(io::ErrorKind),
    /// The client went away before.
    GaveUp,
    /// Neither within [`PATIENCE`].
    Hung,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// `connection: close`.
    pub(crate) closes: bool,
    pub(crate) body: Bytes,
}

#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) plan: Plan,
    pub(crate) outcome: Outcome,
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    /// There were requests on the connection before.
    pub(crate) reused: bool,
}

impl Plan {
    pub(crate) fn number(&self) -> u32 {
        match self.kind {
            Kind::Invocation(order, _) => order.number,
            Kind::Readiness(number) => number,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self.kind {
            Kind::Invocation(Order { number, millis, bytes }, larger) => {
                let mut value = [number, millis, bytes].map(u32::to_le_bytes).concat();
                value.resize(value.len() + larger, 0);
                let body = Batch::to(FUNCTION, "id").message(typed("simulation/order", value)).bytes();
                let head = format!(
                    "POST /statefun HTTP/1.1\r\nhost: test\r\n{NUMBER}: {number}\r\ncontent-type: application/octet-stream\r\n\
                     content-length: {}\r\n\r\n",
                    body.len()
                );
                [head.as_bytes(), &body].concat()
            }
            Kind::Readiness(number) => {
                format!("GET /readyz HTTP/1.1\r\nhost: test\r\n{NUMBER}: {number}\r\n\r\n").into_bytes()
            }
        }
    }
}

/// Sends the requests one after the other, over one connection as long as there is.
pub(crate) async fn run(host: Host, plans: Vec<Plan>, mut rng: Rng) -> Vec<Report> {
    let mut reports = Vec::new();
    let mut open: Option<OnHost<TcpStream>> = None;
    for plan in plans {
        sleep(Duration::from_millis(plan.pause)).await;
        let (began, reused) = (Instant::now(), open.is_some());
        let outcome = within(plan.manner, async {
            let mut stream = match open.take() {
                Some(stream) => stream,
                None => match host.connect().await {
                    Ok(stream) => stream,
                    Err(error) => return Outcome::NotConnected(error.kind()),
                },
            };
            match request(&mut stream, &plan, &mut rng).await {
                Ok(answer) => {
                    open = (!answer.closes).then_some(stream);
                    Outcome::Response(answer)
                }
                Err(error) => Outcome::Closed(error.kind()),
            }
        })
        .await;
        reports.push(Report { plan, outcome, began, ended: Instant::now(), reused });
    }
    reports
}

/// As long as the client stays.
async fn within(manner: Manner, exchange: impl Future<Output = Outcome>) -> Outcome {
    let stays = match manner {
        Manner::GoesAway(millis) => Duration::from_millis(millis),
        Manner::StopsReading => Duration::from_secs(2),
        _ => PATIENCE,
    };
    match timeout(stays, exchange).await {
        Ok(outcome) => outcome,
        Err(_) if stays < PATIENCE => Outcome::GaveUp,
        Err(_) => Outcome::Hung,
    }
}

/// Reads while it sends: there may be a rejection before all is sent.
async fn request(stream: &mut OnHost<TcpStream>, plan: &Plan, rng: &mut Rng) -> io::Result<Answer> {
    let (reader, writer) = split(stream);
    let (bytes, pauses) = (plan.bytes(), rng.fork());
    let mut receive = pin!(receive(reader, plan.manner, pauses));
    tokio::select! {
        biased;
        received = &mut receive => return received,
        sent = send(writer, &bytes, plan.manner, rng) => if let Err(error) = sent {
            return receive.await.map_err(|_| error);
        },
    }
    receive.await
}

async fn send(mut writer: impl AsyncWrite + Unpin, bytes: &[u8], manner: Manner, rng: &mut Rng) -> io::Result<()> {
    let (pieces, end) = match manner {
        Manner::InPieces(pieces) => (pieces, bytes.len()),
        Manner::Stops(parts) => (1, bytes.len() * parts / 100),
        _ => (1, bytes.len()),
    };
    let mut cuts: Vec<_> = (1..pieces).map(|_| rng.usize(..end)).chain([end]).collect();
    cuts.sort_unstable();
    let mut from = 0;
    for to in cuts {
        writer.write_all(&bytes[from..to]).await?;
        from = to;
        if from < end {
            sleep(Duration::from_millis(rng.u64(..20))).await;
        }
    }
    Ok(())
}

async fn receive(mut reader: impl AsyncRead + Unpin, manner: Manner, mut rng: Rng) -> io::Result<Answer> {
    let mut received = Vec::new();
    let mut buffer = vec![0; RECEIVE_BUFFER];
    loop {
        match manner {
            Manner::ReadsSlowly => sleep(Duration::from_millis(rng.u64(..40))).await,
            Manner::StopsReading => pending().await,
            _ => {}
        }
        let read = reader.read(&mut buffer).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        received.extend_from_slice(&buffer[..read]);
        if let Some(answer) = answer(&received) {
            return Ok(answer);
        }
    }
}

/// Once it is there as a whole.
fn answer(received: &[u8]) -> Option<Answer> {
    let end = received.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&received[..end]).unwrap();
    let header = |name: &str| head.split("\r\n").find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let length: usize = header("content-length").unwrap().parse().unwrap();
    let body = received[end + 4..].get(..length)?;
    assert_eq!(received.len(), end + 4 + length, "bytes behind a response");
    Some(Answer {
        status: head[9..12].parse().unwrap(),
        closes: header("connection") == Some("close"),
        body: Bytes::copy_from_slice(body),
    })
}

/// The function's response to an order, in a body.
pub(crate) fn emitted(body: &Bytes) -> Bytes {
    match FromFunction::decode(body.clone()).unwrap().response.unwrap() {
        from_function::Response::InvocationResult(result) => {
            result.outgoing_egresses.into_iter().next().unwrap().argument.unwrap().value
        }
        other => panic!("{other:?}"),
    }
}
