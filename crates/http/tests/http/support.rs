//! A server on a free port, functions for it, requests and a client that sends what it is told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use prost::Message as _;
use statefun_http::{BoundServer, Drain, Options, ServeError, Server};
use statefun_sdk::protocol::reqreply::{FromFunction, from_function};
use statefun_sdk::{Bytes, Context, Function, FunctionError, Message, Registry, ValueSpec};
use statefun_test_support::request::{Batch, typed};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub(crate) const SEEN: ValueSpec<i32> = ValueSpec::new("seen");

/// Long enough that only what hangs takes it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Counts its messages.
pub(crate) fn counter(name: &'static str) -> Function {
    async fn count(context: &mut Context, _: Message) -> Result<(), FunctionError> {
        context.update(&SEEN, |seen| *seen += 1)
    }
    Function::new(name).fallback(count).state(&SEEN)
}

/// Waits at a gate: tells that a message has come, and goes on once there is a permit for it.
#[derive(Clone)]
pub(crate) struct Gate {
    arrived: Arc<Semaphore>,
    open: Arc<Semaphore>,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self { arrived: Arc::new(Semaphore::new(0)), open: Arc::new(Semaphore::new(0)) }
    }

    pub(crate) fn function(&self, name: &'static str) -> Function {
        async fn wait(gate: &Gate, _: &mut Context, _: Message) -> Result<(), FunctionError> {
            gate.arrived.add_permits(1);
            gate.open.acquire().await.unwrap().forget();
            Ok(())
        }
        Function::new(name).fallback(wait).with(self.clone())
    }

    /// Says that a message has come, for functions that wait elsewhere.
    pub(crate) fn arrive(&self) {
        self.arrived.add_permits(1);
    }

    /// Waits until another message is in the function.
    pub(crate) async fn arrival(&self) {
        within(self.arrived.acquire()).await.unwrap().forget();
    }

    /// Lets so many messages through.
    pub(crate) fn open(&self, messages: usize) {
        self.open.add_permits(messages);
    }
}

pub(crate) fn registry(functions: impl IntoIterator<Item = Function>) -> Registry {
    Registry::builder().functions(functions).build().unwrap()
}

/// Options for a test: any free port, no delay, metrics.
pub(crate) fn options() -> Options {
    Options { listen: ([127, 0, 0, 1], 0).into(), drain_delay: Duration::ZERO, metrics: true, ..Options::default() }
}

/// A server that runs.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) admin: Option<SocketAddr>,
    pub(crate) drain: Drain,
    shutdown: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<(), ServeError>>,
}

impl Running {
    pub(crate) fn start(registry: Registry, options: Options) -> Self {
        Self::of(Server::new(registry, options).unwrap().bind().unwrap())
    }

    /// One that counts at a recorder of its own, where no other test counts.
    pub(crate) fn recorded(registry: Registry, options: Options) -> (Self, Recorded) {
        let recorder = PrometheusBuilder::new().build_recorder();
        let recorded = Recorded::of(&recorder);
        let options = Options { metrics: false, ..options };
        let server = metrics::with_local_recorder(&recorder, || Server::new(registry, options).unwrap());
        (Self::of(server.bind().unwrap()), recorded)
    }

    pub(crate) fn of(server: BoundServer) -> Self {
        let (address, admin, drain) = (server.local_addr(), server.admin_addr(), server.drain());
        let (shutdown, told) = oneshot::channel();
        let task = tokio::spawn(server.run(async {
            let _ = told.await;
        }));
        Self { address, admin, drain, shutdown: Some(shutdown), task }
    }

    pub(crate) async fn connect(&self) -> Client<TcpStream> {
        Client::new(TcpStream::connect(self.address).await.unwrap())
    }

    /// Tells it to end.
    pub(crate) fn end(&mut self) {
        self.shutdown.take().unwrap().send(()).unwrap();
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(self) -> Result<(), ServeError> {
        within(self.task).await.unwrap()
    }

    /// Waits until nothing listens any more.
    pub(crate) async fn connect_refused(&self) -> bool {
        within(async { while TcpStream::connect(self.address).await.is_ok() {} }).await;
        true
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        get(self.address, path).await
    }

    /// Gets a page at the address for operators.
    pub(crate) async fn admin(&self, path: &str) -> Answer {
        get(self.admin.unwrap(), path).await
    }

    /// Posts with the headers that the runtime sends.
    pub(crate) async fn post(&self, body: &[u8]) -> Answer {
        let mut client = self.connect().await;
        client.send(post(body)).await;
        client.answer().await
    }

    /// All metrics as they are now: the page may be from some moments ago.
    pub(crate) async fn metrics(&self) -> Page {
        static NOW: AtomicU64 = AtomicU64::new(0);
        let now = NOW.fetch_add(1, SeqCst) as f64;
        let name = format!("now_{}", self.address.port());
        metrics::gauge!(name.clone()).set(now);
        within(async {
            loop {
                let page = Page(self.get("/metrics").await.text());
                if page.metric(&name) == now {
                    return page;
                }
            }
        })
        .await
    }

    /// The value of a metric now, by its line up to the value.
    pub(crate) async fn metric(&self, series: &str) -> f64 {
        self.metrics().await.metric(series)
    }
}

pub(crate) async fn get(address: SocketAddr, path: &str) -> Answer {
    let mut client = Client::new(TcpStream::connect(address).await.unwrap());
    client.send(format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n")).await;
    client.answer().await
}

/// What `GET /metrics` responds.
pub(crate) struct Page(String);

impl Page {
    pub(crate) fn metric(&self, series: &str) -> f64 {
        value_of(&self.0, series)
    }
}

/// A network of this process, for [`Server::serve`].
pub(crate) struct Network(mpsc::Sender<DuplexStream>);

pub(crate) struct Pipes(mpsc::Receiver<DuplexStream>);

impl Network {
    pub(crate) fn new() -> (Self, Pipes) {
        let (connect, pipes) = mpsc::channel(1);
        (Self(connect), Pipes(pipes))
    }

    /// A connection that holds so many bytes: what is sent beyond has been read by the server.
    pub(crate) async fn connect(&self, bytes: usize) -> Client<DuplexStream> {
        let (ours, theirs) = tokio::io::duplex(bytes);
        self.0.send(theirs).await.unwrap();
        Client::new(ours)
    }
}

impl axum::serve::Listener for Pipes {
    type Io = DuplexStream;
    type Addr = ();

    async fn accept(&mut self) -> (DuplexStream, ()) {
        match self.0.recv().await {
            Some(stream) => (stream, ()),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What a server has counted.
pub(crate) struct Recorded(PrometheusHandle);

impl Recorded {
    pub(crate) fn of(recorder: &PrometheusRecorder) -> Self {
        Self(recorder.handle())
    }

    pub(crate) fn metric(&self, series: &str) -> f64 {
        value_of(&self.0.render(), series)
    }

    pub(crate) fn text(&self) -> String {
        self.0.render()
    }
}

fn value_of(text: &str, series: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in\n{text}")).parse().unwrap()
}

/// Waits until a condition is true.
pub(crate) async fn until(condition: impl Fn() -> bool) {
    within(async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("this hangs")
}

/// A connection that sends what it is told.
pub(crate) struct Client<S> {
    stream: S,
    received: Vec<u8>,
}

/// What a client got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    pub(crate) fn response(&self) -> from_function::Response {
        assert_eq!((self.status, self.header("content-type")), (200, Some("application/octet-stream")), "{self:?}");
        FromFunction::decode(self.body.clone()).unwrap().response.unwrap()
    }

    /// Demands a refusal: one line of text that holds each of `parts`.
    #[track_caller]
    pub(crate) fn refuses(&self, status: u16, parts: &[&str]) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("text/plain; charset=utf-8"));
        let text = self.text();
        assert_eq!(text.find('\n'), Some(text.len() - 1), "not one line: {text:?}");
        for part in parts {
            assert!(text.contains(part), "no {part:?} in {text:?}");
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, received: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        within(self.stream.write_all(bytes.as_ref())).await.unwrap();
        within(self.stream.flush()).await.unwrap();
    }

    /// Closes the sending half.
    pub(crate) async fn finish(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Sends a request; whether there is a response with status 200 before the other side closes.
    pub(crate) async fn try_request(&mut self, request: &str) -> bool {
        let mut start = [0; 12];
        within(async {
            self.stream.write_all(request.as_bytes()).await?;
            self.stream.flush().await?;
            self.stream.read_exact(&mut start).await
        })
        .await
        .is_ok_and(|_| start == *b"HTTP/1.1 200")
    }

    /// Whether the other side has closed, which it has to do in the end.
    pub(crate) async fn closed(&mut self) -> bool {
        assert!(self.received.is_empty());
        let mut byte = [0];
        !matches!(within(self.stream.read(&mut byte)).await, Ok(1))
    }

    /// Waits until something has come.
    pub(crate) async fn first_byte(&mut self) {
        let mut byte = [0];
        within(self.stream.read_exact(&mut byte)).await.unwrap();
        self.received.push(byte[0]);
    }

    /// How long it takes until the other side has closed, by Tokio's clock, however that is set.
    pub(crate) async fn until_closed(&mut self) -> Duration {
        let started = Instant::now();
        let mut rest = Vec::new();
        let hour = Duration::from_secs(3600);
        let _ = tokio::time::timeout(hour, self.stream.read_to_end(&mut rest)).await.expect("this is never closed");
        started.elapsed()
    }

    /// The head of an answer that has no body.
    pub(crate) async fn head(&mut self) -> String {
        while !self.received.ends_with(b"\r\n\r\n") {
            self.receive().await;
        }
        String::from_utf8(std::mem::take(&mut self.received)).unwrap()
    }

    pub(crate) async fn answer(&mut self) -> Answer {
        let head_end = loop {
            if let Some(at) = self.received.windows(4).position(|window| window == b"\r\n\r\n") {
                break at;
            }
            self.receive().await;
        };
        let head = String::from_utf8(self.received[..head_end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<_> = lines.map(|line| line.split_once(": ").unwrap()).collect();
        let headers: Vec<_> = headers.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect();
        let mut answer = Answer { status, headers, body: Bytes::new() };
        let length: usize = answer.header("content-length").unwrap().parse().unwrap();
        let end = head_end + 4 + length;
        while self.received.len() < end {
            self.receive().await;
        }
        answer.body = Bytes::copy_from_slice(&self.received[head_end + 4..end]);
        self.received.drain(..end);
        answer
    }

    async fn receive(&mut self) {
        let mut buffer = vec![0; 64 * 1024];
        let read = within(self.stream.read(&mut buffer)).await.unwrap();
        assert!(read > 0, "closed after {:?}", String::from_utf8_lossy(&self.received));
        self.received.extend_from_slice(&buffer[..read]);
    }
}

/// A POST as the runtime sends it.
pub(crate) fn post(body: &[u8]) -> Vec<u8> {
    post_with("/statefun", "content-type: application/octet-stream\r\n", body)
}

/// A POST with these header lines beside the `content-length`.
pub(crate) fn post_with(path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\n{headers}accept: application/octet-stream\r\naccept-encoding: gzip,deflate\r\n\
         connection: keep-alive\r\nuser-agent: statefun\r\nhost: test\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A batch of `messages` for an instance of `function`, with no states.
pub(crate) fn batch(function: &str, messages: &[(&str, &[u8])]) -> Vec<u8> {
    with_messages(Batch::to(function, "id-1"), messages)
}

/// A batch with the state `seen` that is not set.
pub(crate) fn batch_with_seen(function: &str, messages: usize) -> Vec<u8> {
    with_messages(Batch::to(function, "id-1").state("seen", None), &vec![("demo/message", &b""[..]); messages])
}

pub(crate) fn with_messages(request: Batch, messages: &[(&str, &[u8])]) -> Vec<u8> {
    let messages = messages.iter().map(|(type_name, value)| typed(type_name, value.to_vec()));
    messages.fold(request, Batch::message).bytes().to_vec()
}
