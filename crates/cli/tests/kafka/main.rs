//! The program and a real Kafka broker.
//!
//! Ignored by default, as it needs Java and Maven (on Debian: `apt-get install openjdk-17-jre-headless maven`):
//! `cargo test -p statefun-cli --features kafka,simulate --test kafka -- --ignored`
#![cfg(feature = "kafka")]

mod broker;
#[cfg(feature = "simulate")]
mod payments;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use broker::Broker;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Java and Maven"]
async fn sends_and_receives() {
    let mut broker = Broker::start();
    what_is_sent_is_received(&broker).await;
    order_is_kept_by_key(&broker).await;
    what_was_not_committed_is_not_received(&broker).await;
    what_comes_from_now_on_is_received(&broker).await;
    #[cfg(feature = "simulate")]
    payments::are_simulated(&broker).await;
    what_cannot_be_is_said(&broker).await;
    what_was_not_confirmed_is_said(&mut broker).await;
}

async fn what_is_sent_is_received(broker: &Broker) {
    broker.create("exact", 4).await;
    let lines = "{\"type\":\"test.comment\",\"data\":\"a comment\"}\n{\"type\":\"example.product\",\"data\":{\"id\":\"p\",\
                 \"price\":42.420}}\n\nno event\n";
    let sent = fed(broker, &["send", "kafka:exact", "--key-pointer", "/data/id", "--no-key", "empty"], lines);
    assert!(sent.status.success(), "{}", error(&sent));
    for part in
        ["# a comment\n", "sent 2 records to kafka:exact, 2 confirmed, in ", "; 1 line of type test.* not sent\n"]
    {
        assert!(error(&sent).contains(part), "{part:?} is not in {}", error(&sent));
    }

    let received =
        statefun(broker, &["receive", "kafka:exact", "--from-beginning", "--count", "2", "--timeout", "30s"]);
    assert!(received.status.success(), "{}", error(&received));
    let mut received = lines_of(&received);
    for line in &mut received {
        line.as_object_mut().expect("an object").remove("partition");
    }
    received.sort_by_key(|line| line["key"].to_string());
    assert_eq!(
        received.iter().map(Value::to_string).collect::<Vec<_>>(),
        [
            r#"{"topic":"exact","offset":0,"key":"","value_text":"no event"}"#,
            r#"{"topic":"exact","offset":0,"key":"p","value":{"type":"example.product","data":{"id":"p","price":42.420}}}"#,
        ]
        .map(|line| line.parse::<Value>().expect("JSON").to_string())
    );
}

async fn order_is_kept_by_key(broker: &Broker) {
    const EVENTS: usize = 20_000;
    broker.create("order", 4).await;
    let event =
        |n: usize| format!("{{\"type\":\"example.cart-product\",\"data\":{{\"cartId\":\"c{}\"}},\"n\":{n}}}", n % 97);
    let lines: String = (0..EVENTS).map(|n| event(n) + "\n").collect();
    let sent = fed(broker, &["send", "kafka:order", "--key-pointer", "/data/cartId"], &lines);
    assert!(sent.status.success(), "{}", error(&sent));

    let received = statefun(broker, &["receive", "kafka:order", "--from-beginning", "--to-end"]);
    assert!(received.status.success(), "{}", error(&received));
    let mut carts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in lines_of(&received) {
        let key = line["key"].as_str().expect("a key").to_owned();
        carts.entry(key).or_default().push(line["value"].to_string());
    }
    let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for n in 0..EVENTS {
        let value = event(n).parse::<Value>().expect("JSON").to_string();
        expected.entry(format!("c{}", n % 97)).or_default().push(value);
    }
    assert!(carts == expected, "other events, or in another order: {}", error(&received));
}

async fn what_was_not_committed_is_not_received(broker: &Broker) {
    broker.create("transactional", 1).await;
    let producer: BaseProducer = broker.config().set("transactional.id", "test").create().expect("a producer");
    producer.init_transactions(PATIENCE).expect("transactional");
    for (value, commit) in [("aborted", false), ("committed", true)] {
        producer.begin_transaction().expect("a transaction");
        producer.send(BaseRecord::to("transactional").key("k").payload(value)).expect("queued");
        producer.flush(PATIENCE).expect("written");
        match commit {
            true => producer.commit_transaction(PATIENCE).expect("committed"),
            false => producer.abort_transaction(PATIENCE).expect("aborted"),
        }
    }
    let values = |isolation: &[&str]| {
        let options = ["receive", "kafka:transactional", "--from-beginning", "--to-end"];
        let received = statefun(broker, &[&options, isolation].concat());
        assert!(received.status.success(), "{}", error(&received));
        lines_of(&received).into_iter().map(|line| line["value_text"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(values(&[]), ["committed"]);
    assert_eq!(values(&["--isolation", "read-uncommitted"]), ["aborted", "committed"]);

    let options = ["receive", "kafka:transactional", "--from-beginning", "--count", "2", "--timeout", "2s"];
    let short = statefun(broker, &options);
    assert_eq!((short.status.code(), lines_of(&short).len()), (Some(3), 1), "{}", error(&short));
}

async fn what_comes_from_now_on_is_received(broker: &Broker) {
    broker.create("now", 2).await;
    assert!(fed(broker, &["send", "kafka:now", "--key", "k"], "before").status.success());
    let mut receiver = command(broker, &["receive", "kafka:now", "--count", "1", "--timeout", "30s"]);
    let mut receiver = receiver.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("started");
    said(&mut receiver, "receiving from kafka:now from now on");
    assert!(fed(broker, &["send", "kafka:now", "--key", "k"], "after").status.success());
    let received = receiver.wait_with_output().expect("ended");
    assert!(received.status.success());
    assert_eq!(lines_of(&received)[0]["value_text"], "after");
}

async fn what_cannot_be_is_said(broker: &Broker) {
    for command in ["send", "receive"] {
        let output = fed(broker, &[command, "kafka:unknown"], "");
        assert_eq!(output.status.code(), Some(1));
        assert!(error(&output).contains("expected an existing topic"), "{}", error(&output));
    }
    broker.create("large", 1).await;
    let lines = format!("small\n{}\nsmall\n", "x".repeat(2_000_000));
    let output = fed(broker, &["send", "kafka:large", "--key", "k"], &lines);
    assert_eq!(output.status.code(), Some(1));
    assert!(error(&output).contains("standard input, line 2: "), "{}", error(&output));
    assert!(error(&output).contains("sent 1 records to kafka:large, 1 confirmed"), "{}", error(&output));
    // Rejected by the broker, not by the client.
    let options = ["send", "kafka:large", "--key", "k", "--kafka-property", "message.max.bytes=3000000"];
    let output = fed(broker, &options, &lines);
    assert_eq!(output.status.code(), Some(1));
    assert!(error(&output).contains("line 2: not delivered: "), "{}", error(&output));
}

async fn what_was_not_confirmed_is_said(broker: &mut Broker) {
    broker.create("lost", 1).await;
    let options = ["send", "kafka:lost", "--key", "k", "--kafka-property", "message.timeout.ms=1000"];
    let mut sender = command(broker, &options);
    let mut sender = sender.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    let mut lines = sender.stdin.take().expect("its input");
    lines.write_all(b"one\n").expect("written");
    let first = statefun(broker, &["receive", "kafka:lost", "--from-beginning", "--count", "1", "--timeout", "30s"]);
    assert!(first.status.success(), "{}", error(&first));
    broker.kill();
    lines.write_all(b"two\nthree\n").expect("written");
    drop(lines);
    let output = sender.wait_with_output().expect("ended");
    assert_eq!(output.status.code(), Some(1));
    assert!(error(&output).contains("line 2: not delivered: "), "{}", error(&output));
    assert!(error(&output).contains(", 1 confirmed, "), "{}", error(&output));

    let output = statefun(broker, &["receive", "kafka:lost"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(error(&output).contains("no response from a Kafka broker"), "{}", error(&output));
}

fn command(broker: &Broker, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_statefun"));
    command.args(arguments).args(["--brokers", broker.address()]);
    command
}

fn statefun(broker: &Broker, arguments: &[&str]) -> Output {
    command(broker, arguments).output().expect("the program starts")
}

fn fed(broker: &Broker, arguments: &[&str], lines: &str) -> Output {
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(lines.as_bytes()).expect("written");
    std::io::Seek::rewind(&mut file).expect("rewound");
    command(broker, arguments).stdin(file).output().expect("the program starts")
}

/// Waits until the process has said this on standard error.
fn said(process: &mut Child, text: &str) {
    let mut lines = BufReader::new(process.stderr.take().expect("its errors")).lines().map_while(Result::ok);
    assert!(lines.by_ref().any(|line| line == text), "it ended without saying {text:?}");
    std::thread::spawn(move || lines.for_each(drop));
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn lines_of(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).expect("text");
    text.lines().map(|line| line.parse().expect("a line of JSON")).collect()
}
