//! The emulator of Lambda with a program of ours, and the events that it is given.

#![allow(missing_docs, reason = "it is for the tests and the benchmark of this crate")]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

pub const OCTET_STREAM: &str = "application/octet-stream";

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer, however it came.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u64,
    pub content_type: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }
}

pub type HttpClient = Client<HttpConnector, Full<Bytes>>;

pub fn client() -> HttpClient {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new()).build(connector)
}

/// Posts a body, and waits for the answer.
pub async fn post(client: &HttpClient, url: &str, content_type: &str, body: Bytes) -> Answer {
    let request = http::Request::post(url).header(CONTENT_TYPE, content_type).body(Full::new(body)).expect("a request");
    let (head, body) = client.request(request).await.expect("an answer").into_parts();
    let content_type = head.headers.get(CONTENT_TYPE).map(|value| value.to_str().expect("text").to_owned());
    Answer {
        status: head.status.as_u16().into(),
        content_type: content_type.unwrap_or_default(),
        body: body.collect().await.expect("a body").to_bytes().into(),
    }
}

/// The emulator, and the program that it starts with the first event.
pub struct Emulator {
    process: Child,
    url: String,
    client: HttpClient,
    log: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Emulator {
    pub fn start(program: &Path, environment: &[(&str, &str)]) -> Self {
        let emulator = std::env::var_os("LAMBDA_EMULATOR").expect("LAMBDA_EMULATOR, the path of aws-lambda-rie");
        let listeners = [0; 2].map(|_| TcpListener::bind("127.0.0.1:0").expect("a port"));
        let [events, api] = listeners.map(|listener| listener.local_addr().expect("an address").to_string());
        let (log, writer) = std::io::pipe().expect("a pipe");
        let process = Command::new(emulator)
            .args(["--runtime-interface-emulator-address", &events, "--runtime-api-address", &api])
            .arg(program)
            .envs(environment.iter().copied())
            .env("AWS_LAMBDA_FUNCTION_NAME", "tests")
            .stdin(Stdio::null())
            .stdout(writer.try_clone().expect("a pipe"))
            .stderr(writer)
            .spawn()
            .expect("the emulator starts");
        let lines = BufReader::new(log).lines().map_while(Result::ok);
        let log = Arc::new(Mutex::new(Vec::new()));
        let kept = log.clone();
        let reader = std::thread::spawn(move || {
            for line in lines {
                kept.lock().expect("not poisoned").push(line);
            }
        });
        let emulator = Self {
            process,
            url: format!("http://{events}/2015-03-31/functions/function/invocations"),
            client: client(),
            log,
            reader: Some(reader),
        };
        emulator.wait_until("it listens", || std::net::TcpStream::connect(&events).ok());
        emulator
    }

    /// What the program answers to an event, as JSON.
    pub async fn invoke(&self, event: impl Into<Bytes>) -> Value {
        let answer = post(&self.client, &self.url, "application/json", event.into()).await;
        serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.text()))
    }

    /// What the API makes of the program's answer.
    pub async fn answer(&self, event: &Value) -> Answer {
        answer_of(&self.invoke(event.to_string()).await)
    }

    /// The id of the process that answers.
    pub fn program(&self) -> String {
        let emulator = self.process.id();
        self.wait_until("the program runs", || {
            let threads = std::fs::read_dir(format!("/proc/{emulator}/task")).expect("the threads of the emulator");
            let children: Vec<String> = threads
                .flatten()
                .filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok())
                .flat_map(|children| children.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
                .collect();
            (children.len() == 1).then(|| children[0].clone())
        })
    }

    /// Ends it, and gives the lines that the program wrote.
    pub fn into_log(mut self) -> Vec<Value> {
        self.end();
        let _ = self.reader.take().map(JoinHandle::join);
        let lines = std::mem::take(&mut *self.log.lock().expect("not poisoned"));
        let lines = lines.iter().filter(|line| line.starts_with('{'));
        lines.map(|line| line.parse().unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    }

    /// With SIGTERM it ends the program, too.
    fn end(&mut self) {
        let _ = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.process.id())]).status();
        let _ = self.process.wait();
    }

    fn wait_until<T>(&self, what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(result) = condition() {
                return result;
            }
            assert!(Instant::now() < end, "waited in vain until {what}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        if self.reader.is_some() {
            self.end();
        }
    }
}

/// What the API makes of a program's answer.
fn answer_of(answer: &Value) -> Answer {
    let status = answer["statusCode"].as_u64().unwrap_or_else(|| panic!("no answer for an API: {answer}"));
    let content_types: Vec<&Value> =
        [&answer["headers"]["content-type"], &answer["multiValueHeaders"]["content-type"][0]]
            .into_iter()
            .filter(|value| !value.is_null())
            .collect();
    let [content_type] = content_types[..] else { panic!("not one content type: {answer}") };
    let body = answer["body"].as_str().unwrap_or_default();
    let body = match answer["isBase64Encoded"].as_bool() {
        Some(true) => STANDARD.decode(body).expect("base64"),
        _ => body.into(),
    };
    Answer { status, content_type: content_type.as_str().expect("text").to_owned(), body }
}

/// The events by which a request can come.
#[derive(Debug, Clone, Copy)]
pub enum Source {
    /// A REST API, with a stage in the path.
    Rest,
    /// An HTTP API, with a stage in the path.
    HttpApi,
    /// A Function URL.
    FunctionUrl,
}

pub const SOURCES: [Source; 3] = [Source::Rest, Source::HttpApi, Source::FunctionUrl];

/// An event whose body is these bytes.
pub fn event(source: Source, body: &[u8]) -> Value {
    event_with(source, OCTET_STREAM, &json!(STANDARD.encode(body)), true)
}

/// An event with this body, whatever it is.
pub fn event_with(source: Source, content_type: &str, body: &Value, is_base64: bool) -> Value {
    match source {
        Source::Rest => json!({
            "resource": "/{path+}",
            "path": "/prod/secret/statefun",
            "httpMethod": "POST",
            "headers": {
                "accept": OCTET_STREAM, "Content-Type": content_type, "Host": "api.example", "User-Agent": "statefun",
                "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Port": "443", "X-Forwarded-Proto": "https",
            },
            "multiValueHeaders": {
                "accept": [OCTET_STREAM], "Content-Type": [content_type], "Host": ["api.example"],
                "User-Agent": ["statefun"], "X-Forwarded-For": ["192.0.2.1"], "X-Forwarded-Port": ["443"],
                "X-Forwarded-Proto": ["https"],
            },
            "queryStringParameters": null,
            "multiValueQueryStringParameters": null,
            "pathParameters": {"path": "secret/statefun"},
            "stageVariables": null,
            "requestContext": {
                "accountId": "123456789012", "apiId": "abcdefghij", "domainName": "api.example", "httpMethod": "POST",
                "identity": {"sourceIp": "192.0.2.1", "userAgent": "statefun"}, "path": "/prod/secret/statefun",
                "protocol": "HTTP/1.1", "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
                "requestTimeEpoch": 1_700_000_000_000_i64, "resourceId": "abc123", "resourcePath": "/{path+}",
                "stage": "prod",
            },
            "body": body,
            "isBase64Encoded": is_base64,
        }),
        Source::HttpApi => {
            version_2("/prod/secret/statefun", "prod", "POST /secret/statefun", content_type, body, is_base64)
        }
        Source::FunctionUrl => version_2("/statefun", "$default", "$default", content_type, body, is_base64),
    }
}

fn version_2(path: &str, stage: &str, route: &str, content_type: &str, body: &Value, is_base64: bool) -> Value {
    json!({
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "accept": OCTET_STREAM, "content-type": content_type, "host": "api.example", "user-agent": "statefun",
            "x-forwarded-for": "192.0.2.1", "x-forwarded-port": "443", "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "123456789012", "apiId": "abcdefghij", "domainName": "api.example", "domainPrefix": "api",
            "http": {
                "method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "statefun",
            },
            "requestId": "JKJaXmPLvHcESHA=", "routeKey": route, "stage": stage,
            "time": "14/Nov/2023:22:13:20 +0000", "timeEpoch": 1_700_000_000_000_i64,
        },
        "body": body,
        "isBase64Encoded": is_base64,
    })
}

/// A folder of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}
