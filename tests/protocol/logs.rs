//! What the log holds, and what it never does to the program.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use statefun_http::Options;
use statefun_sdk::{Context, Egress, Function, FunctionError, KafkaRecord, Message, Registry, ValueSpec};
use statefun_server::telemetry::{self, LogFormat};
use statefun_test_support::process::{TIMEOUT, signal, wait_until};
use statefun_test_support::request::{Batch, typed, value_of};

/// A program that serves; the log need not say where.
pub(crate) struct Program {
    process: Child,
    address: String,
}

impl Program {
    /// The server with these options.
    pub(crate) fn server(options: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_statefun-server"));
        Self::start(|address| command.args(["serve", "--drain-delay", "0s", "--listen", address]).args(options))
    }

    fn start<'a>(command: impl FnOnce(&str) -> &'a mut Command) -> Self {
        // Between the two binds another process could take the port; nothing else gives it away without the log.
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        drop(listener);
        let command = command(&address).env("NO_COLOR", "1").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut program = Self { process: command.spawn().expect("the program starts"), address };
        wait_until("the program serves", || {
            assert_eq!(program.process.try_wait().expect("a process of ours"), None, "it has ended");
            TcpStream::connect(&program.address).ok().map(drop)
        });
        program
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Reads what it prints, to the end: each line of both outputs.
    pub(crate) fn read(&mut self) -> JoinHandle<Vec<Vec<u8>>> {
        let (stdout, stderr) = (self.process.stdout.take().expect("piped"), self.process.stderr.take().expect("piped"));
        let lines = |output: Box<dyn Read + Send>| -> JoinHandle<Vec<_>> {
            thread::spawn(move || BufReader::new(output).split(b'\n').map_while(Result::ok).collect())
        };
        let (stdout, stderr) = (lines(Box::new(stdout)), lines(Box::new(stderr)));
        thread::spawn(move || [stdout, stderr].into_iter().flat_map(|lines| lines.join().expect("read")).collect())
    }

    /// The text of a response with its head.
    fn send(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("connects");
        stream.set_read_timeout(Some(TIMEOUT)).expect("set");
        stream.write_all(request).expect("sent");
        let mut response = Vec::new();
        stream.read_to_end(&mut response).expect("a response");
        String::from_utf8_lossy(&response).into_owned()
    }

    fn get(&self, path: &str) -> String {
        self.send(format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").as_bytes())
    }

    /// The status of the response to a body.
    fn post(&self, body: &[u8]) -> u16 {
        let head = "POST /statefun HTTP/1.1\r\nhost: test\r\nconnection: close\r\n";
        let request = [format!("{head}content-length: {}\r\n\r\n", body.len()).as_bytes(), body].concat();
        self.send(&request).split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
    }

    pub(crate) fn terminated(mut self) -> ExitStatus {
        signal(self.process.id(), "TERM");
        wait_until("the program ends", || self.process.try_wait().expect("a process of ours"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_log_that_no_one_reads_neither_stops_the_server_nor_keeps_it_from_its_end() {
    const DROPPED: &str = "\nstatefun_log_lines_dropped_total ";
    let server = Program::server(&["--log", "trace"]);
    let dropped = || {
        let metrics = server.get("/metrics");
        let (_, value) = metrics.split_once(DROPPED)?;
        Some(value.lines().next().and_then(|value| value.parse::<u64>().ok()).expect("a number"))
    };
    assert_eq!(wait_until("the metric is there", dropped), 0);
    let start = Instant::now();
    while dropped() < Some(1000) {
        // Rejected for their path, their method and their body, on one connection.
        let requests = "GET /nothing-here HTTP/1.1\r\nhost: test\r\n\r\n".repeat(1000)
            + &"PUT /statefun HTTP/1.1\r\nhost: test\r\ncontent-length: 0\r\n\r\n".repeat(1000)
            + &"POST /statefun HTTP/1.1\r\nhost: test\r\ncontent-length: 1\r\n\r\nx".repeat(1000)
            + "GET /healthz HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n";
        let mut stream = TcpStream::connect(&server.address).expect("connects");
        stream.set_read_timeout(Some(TIMEOUT)).expect("set");
        let mut reader = stream.try_clone().expect("cloned");
        let responses = thread::spawn(move || {
            let mut responses = Vec::new();
            reader.read_to_end(&mut responses).map(|_| responses)
        });
        stream.write_all(requests.as_bytes()).expect("sent");
        let responses = responses.join().expect("joined").expect("all are answered");
        assert!(responses.ends_with(b"alive\n"), "{}", String::from_utf8_lossy(&responses));
        assert!(start.elapsed() < TIMEOUT, "no line is dropped: how many wait has no bound");
    }
    assert!(server.get("/healthz").starts_with("HTTP/1.1 200 "));
    let start = Instant::now();
    assert!(server.terminated().success());
    // The flush is given up after a second.
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[test]
fn lines_of_the_log_are_written_before_the_end() {
    let mut server = Program::server(&["--log", "info"]);
    let lines = server.read();
    assert!(server.terminated().success());
    let lines = lines.join().expect("read");
    let last = String::from_utf8_lossy(lines.last().expect("lines"));
    assert!(last.contains("shut down"), "{last}");
}

#[test]
fn no_text_from_outside_makes_lines_or_commands_of_a_terminal() {
    const HOSTILE: &str = "x\n2030-01-01T00:00:00Z ERROR forged\r\x1b[31m\x07\u{9b}0m\u{2028}y";
    let message = || typed(HOSTILE, HOSTILE);
    // What a function logs itself.
    let mut outcomes = serve_outcomes_with(false);
    let of_outcomes = outcomes.read();
    let logged = Batch::to("logs/outcomes", HOSTILE).state("seen", None).message(typed("logs/log", HOSTILE));
    assert_eq!(outcomes.post(&logged.bytes()), 200);
    assert!(outcomes.terminated().success());

    let mut server = Program::server(&["--log", "trace"]);
    let lines = server.read();
    for body in [
        Batch::to(&format!("demo/{HOSTILE}"), HOSTILE).message(message()),
        Batch::to("demo/greeter", HOSTILE).state("seen", None).message(message()),
        Batch::to("demo/greeter", HOSTILE).state("seen", Some(message())).message(message()),
        Batch::to("example/cart", HOSTILE).state("state", None).message(message()),
        Batch::to("example/router", HOSTILE).message(typed("example/cloudevent", HOSTILE)),
    ] {
        server.post(&body.bytes());
    }
    server.post(HOSTILE.as_bytes());
    assert!(server.terminated().success());
    for lines in [of_outcomes, lines] {
        let lines = lines.join().expect("read");
        let mut forged = 0;
        for line in &lines {
            let line = std::str::from_utf8(line).expect("text");
            assert!(!line.contains(|c: char| c.is_control() || c == '\u{2028}'), "{line:?}");
            assert!(!line.starts_with("2030"), "{line}");
            forged += usize::from(line.contains("ERROR forged"));
        }
        assert!(forged > 0, "nothing of it is logged: {lines:?}");
    }
}

const SEEN: ValueSpec<String> = ValueSpec::new("seen");
const OUT: Egress = Egress::new("logs/out");

/// Does as the type of its message says.
fn outcomes() -> Function {
    async fn run(context: &mut Context, message: Message) -> Result<(), FunctionError> {
        let text = String::from_utf8_lossy(message.value()).into_owned();
        let record = || KafkaRecord::topic("out").key(&text).utf8(&text);
        match message.type_name() {
            "logs/success" => {
                context.set(&SEEN, text.clone())?;
                context.emit(OUT, record())
            }
            "logs/transient" => Err(FunctionError::transient("the database is down")),
            "logs/poison" => Err(FunctionError::poison("it cannot be handled")),
            "logs/undeclared" => context.emit(Egress::new("logs/undeclared"), record()),
            "logs/read" => context.get(&SEEN).map(drop),
            "logs/log" => {
                tracing::info!(id = %context.self_id(), "called as {}", context.self_id());
                Ok(())
            }
            _ => panic!("this is a panic"),
        }
    }
    Function::new("logs/outcomes").fallback(run).state(&SEEN).emits(OUT)
}

/// What the next test runs as a program of its own, as the server's functions neither panic nor have bugs; otherwise it is nothing.
#[tokio::test]
async fn serve_outcomes() {
    let Ok(address) = std::env::var("STATEFUN_TEST_LISTEN") else { return };
    let format = if std::env::var_os("STATEFUN_TEST_JSON").is_some() { LogFormat::Json } else { LogFormat::Text };
    let _log = telemetry::start("trace", format).expect("it logs");
    let listen = address.parse().expect("an address");
    let options = Options { listen, drain_delay: std::time::Duration::ZERO, ..Options::default() };
    let registry = Registry::builder().function(outcomes()).build().expect("a registry");
    statefun_http::serve(registry, options).await.expect("it serves");
}

fn serve_outcomes_with(json: bool) -> Program {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "logs::serve_outcomes", "--nocapture"]);
    if json {
        command.env("STATEFUN_TEST_JSON", "1");
    }
    Program::start(|address| command.env("STATEFUN_TEST_LISTEN", address))
}

/// Text that is nowhere else, and all that it looks like where bytes are printed.
struct Marker {
    text: String,
    forms: Vec<String>,
}

impl Marker {
    fn new() -> Self {
        let text: String = (0..24).map(|_| char::from(rand::random_range(b'a'..=b'z'))).collect();
        let bytes = text.as_bytes();
        let joined = |format: fn(&u8) -> String, by: &str| bytes.iter().map(format).collect::<Vec<_>>().join(by);
        let mut forms = vec![
            text.clone(),
            joined(|byte| format!("{byte:02x}"), ""),
            joined(|byte| format!("{byte:02X}"), ""),
            joined(|byte| format!("{byte:02x}"), " "),
            joined(|byte| format!("\\x{byte:02x}"), ""),
            joined(|byte| byte.to_string(), ", "),
            joined(|byte| byte.to_string(), ","),
        ];
        // As base64 of what begins with it, or with one or two bytes before it.
        forms.extend((0..3).map(|before| base64(&bytes[(3 - before) % 3..])));
        Self { text, forms }
    }
}

/// Of as many bytes as are a multiple of three.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = bytes.chunks_exact(3).map(|group| group.iter().fold(0, |bits, byte| bits << 8 | usize::from(*byte)));
    groups.flat_map(|bits| [18, 12, 6, 0].map(|shift| char::from(DIGITS[bits >> shift & 63]))).collect()
}

/// Reads every line that a program has printed.
fn assert_absent(marker: &Marker, program: Program, lines: JoinHandle<Vec<Vec<u8>>>, expected: &[&str]) {
    assert!(program.terminated().success());
    let lines = lines.join().expect("read");
    let text = String::from_utf8(lines.join(&b'\n')).expect("text");
    for form in &marker.forms {
        let line = text.lines().find(|line| line.contains(form.as_str()));
        assert_eq!(line, None, "the log holds a payload");
    }
    for part in expected {
        assert!(text.contains(part), "no {part} in {text}");
    }
}

#[test]
fn no_payload_is_ever_printed() {
    for json in [false, true] {
        let marker = Marker::new();
        let mut program = serve_outcomes_with(json);
        let lines = program.read();
        let batch = |seen| Batch::to("logs/outcomes", "an-id").state("seen", seen);
        let stored = || Some(value_of(marker.text.clone()));
        for (type_name, status) in [
            ("logs/success", 200),
            ("logs/transient", 503),
            ("logs/poison", 500),
            ("logs/undeclared", 500),
            ("logs/panic", 500),
        ] {
            assert_eq!(program.post(&batch(stored()).message(typed(type_name, marker.text.clone())).bytes()), status);
        }
        let read = || typed("logs/read", marker.text.clone());
        let undecodable =
            [typed("logs/other", marker.text.clone()), typed("io.statefun.types/string", marker.text.clone())];
        for state in undecodable {
            assert_eq!(program.post(&batch(Some(state)).message(read()).bytes()), 500);
        }
        assert_eq!(program.post(&Batch::to("logs/outcomes", "an-id").message(read()).bytes()), 200);
        assert_eq!(program.post(&Batch::to("logs/other", "an-id").message(read()).bytes()), 404);
        assert_eq!(program.post(marker.text.as_bytes()), 400);
        let expected = ["the database is down", "it cannot be handled", "this is a panic", "logs/undeclared", "seen"];
        assert_absent(&marker, program, lines, &expected);
    }
}

#[test]
fn no_payload_of_the_applications_is_printed() {
    for format in ["text", "json"] {
        let marker = Marker::new();
        let mut server = Program::server(&["--log", "trace", "--log-format", format]);
        let lines = server.read();
        let text = &marker.text;
        let event = |data: &str| {
            let event = r#"{"specversion":"1.0","id":"1","source":"a:b","type":"example.product","data":"#;
            typed("example/cloudevent", format!("{event}{data}}}"))
        };
        let login = || typed("demo/login", format!("{{\"user_name\":\"{text}\"}}"));
        let typed = |type_name: &str| typed(type_name, text.clone());
        let requests = [
            Batch::to("demo/greeter", "an-id").state("seen", None).message(login()),
            Batch::to("demo/greeter", "an-id").state("seen", Some(typed("io.statefun.types/int"))).message(login()),
            Batch::to("example/router", "p1").message(event(&format!("\"{text}\""))),
            Batch::to("example/router", "p1").message(typed("example/cloudevent")),
            Batch::to("example/cart", "c1").state("state", Some(typed("example/cart-state"))).message(event("{}")),
            Batch::to("example/cart", "c1").state("state", None).message(typed("x/y")),
            Batch::to("shopping-cart-example/cart", "c1")
                .state("cart_items", Some(typed("com.googleapis/ItemsInCart")))
                .message(typed("com.googleapis/AddToCart")),
        ];
        let statuses: Vec<_> = requests.into_iter().map(|request| server.post(&request.bytes())).collect();
        assert!(statuses.contains(&200) && statuses.contains(&500), "{statuses:?}");
        assert_eq!(server.post(text.as_bytes()), 400);
        assert_absent(
            &marker,
            server,
            lines,
            &["batch failed", "messages sent to the dead letters", "undecodable body"],
        );
    }
}
