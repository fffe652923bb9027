//! A little scoring service on loopback that answers as it is told.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

/// What becomes of a request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// It gets this status and body.
    Status(u16, Vec<u8>),
    /// It gets these bytes, and the connection ends.
    Bytes(Vec<u8>),
    /// It gets no answer as long as the client holds on.
    None,
    /// It gets this score once the test says so.
    Held(i32),
}

pub(crate) fn status(status: u16, body: &str) -> Answer {
    Answer::Status(status, body.as_bytes().to_vec())
}

pub(crate) fn score(score: i32) -> Answer {
    status(200, &format!("{{\"score\": {score}}}"))
}

#[derive(Clone)]
pub(crate) struct Service {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    answers: Mutex<VecDeque<Answer>>,
    requests: Mutex<Vec<String>>,
    released: Semaphore,
    held: watch::Sender<Held>,
}

#[derive(Default)]
struct Held {
    now: usize,
    most: usize,
    answered: usize,
}

impl Service {
    /// Starts it with these answers, one a request; the last one is given over and over.
    pub(crate) async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let shared = Arc::new(Shared {
            answers: Mutex::new(answers.into_iter().collect()),
            requests: Mutex::default(),
            released: Semaphore::new(0),
            held: watch::Sender::default(),
        });
        let service = Self { address: listener.local_addr().expect("an address"), shared };
        let accepting = service.clone();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let service = accepting.clone();
                // A client that goes away is what some tests are about.
                tokio::spawn(async move { service.serve(connection).await.ok() });
            }
        });
        service
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The targets of all requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// Waits until this many requests are held, or more.
    pub(crate) async fn holds(&self, requests: usize) {
        self.shared.held.subscribe().wait_for(|held| held.now >= requests).await.expect("it runs");
    }

    /// Answers one request that is held.
    pub(crate) async fn release(&self) {
        let mut held = self.shared.held.subscribe();
        let before = held.borrow().answered;
        self.shared.released.add_permits(1);
        held.wait_for(|held| held.answered > before).await.expect("it runs");
    }

    /// How many requests were held at once at most.
    pub(crate) fn most_held(&self) -> usize {
        self.shared.held.borrow().most
    }

    async fn serve(&self, connection: TcpStream) -> std::io::Result<()> {
        let mut connection = BufReader::new(connection);
        loop {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                if connection.read_until(b'\n', &mut head).await? == 0 {
                    return Ok(());
                }
            }
            let head = String::from_utf8(head).expect("text");
            assert!(head.starts_with("GET ") && head.contains("accept: application/json\r\n"), "{head}");
            self.shared.requests.lock().unwrap().push(head.split(' ').nth(1).expect("a target").to_owned());
            let answer = {
                let mut answers = self.shared.answers.lock().unwrap();
                if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }
            };
            let bytes = match answer.expect("an answer") {
                Answer::Status(status, body) => http(status, &body),
                Answer::Bytes(bytes) => {
                    connection.write_all(&bytes).await?;
                    return Ok(());
                }
                Answer::None => {
                    connection.read_until(b'\n', &mut Vec::new()).await?;
                    return Ok(());
                }
                Answer::Held(score) => {
                    self.shared.held.send_modify(|held| {
                        held.now += 1;
                        held.most = held.most.max(held.now);
                    });
                    self.shared.released.acquire().await.expect("never closed").forget();
                    self.shared.held.send_modify(|held| {
                        held.now -= 1;
                        held.answered += 1;
                    });
                    http(200, format!("{{\"score\": {score}}}").as_bytes())
                }
            };
            connection.write_all(&bytes).await?;
        }
    }
}

fn http(status: u16, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {status} \r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}
