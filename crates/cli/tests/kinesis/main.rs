//! The program with a Kinesis emulator, moto.
//!
//! Ignored by default, as it needs moto: `pip install 'moto[server]'`, with `moto_server` in the path or named by the
//! environment variable `MOTO_SERVER`. Then
//! `cargo test -p statefun-cli --features kinesis --test kinesis -- --ignored`
#![cfg(feature = "kinesis")]

mod expiring;
mod moto;

use std::collections::BTreeMap;
use std::process::{Command, Output, Stdio};

use aws_sdk_kinesis::primitives::Blob;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use moto::Moto;
use serde_json::Value;

/// `{"n":1}` of cart-1, `{"n":2}` of cart-2 and the bytes 00 ff of cart-1, as the Kinesis Producer Library aggregates
/// them.
const AGGREGATE: &str = "84mawgoGY2FydC0xCgZjYXJ0LTISBTEyMzQ1GgsIABoHeyJuIjoxfRoLCAEaB3sibiI6Mn0aCAgAEAAaAgD/pckJe852CClWtcdP\
                         Un0K5g==";

#[tokio::test]
#[ignore = "needs moto"]
async fn sends_and_receives() {
    let moto = Moto::start();
    what_is_sent_is_received(&moto).await;
    aggregated_records_are_split(&moto).await;
    what_comes_from_now_on_is_received(&moto).await;
    shards_that_are_split_are_followed(&moto).await;
    an_expired_iterator_is_replaced(&moto).await;
    errors_are_reported(&moto);
}

async fn what_is_sent_is_received(moto: &Moto) {
    const EVENTS: usize = 3_000;
    moto.create("exact", 3).await;
    let event = |n: usize| {
        format!("{{\"type\":\"example.product\",\"data\":{{\"id\":\"p{}\",\"price\":4.20}},\"n\":{n}}}", n % 301)
    };
    let lines: String = (0..EVENTS).map(|n| event(n) + "\n").collect();
    let sent = fed(moto, &["send", "kinesis:exact", "--key-pointer", "/data/id"], &lines);
    assert!(sent.status.success(), "{}", error(&sent));
    assert!(error(&sent).contains("sent 3000 records to kinesis:exact, 3000 confirmed"), "{}", error(&sent));

    let count = EVENTS.to_string();
    for options in [["--to-end"].as_slice(), &["--count", &count, "--timeout", "1min"]] {
        let options = [&["receive", "kinesis:exact", "--from-beginning"], options].concat();
        let received = statefun(moto, &options);
        assert!(received.status.success(), "{}", error(&received));
        let mut products: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in lines_of(&received) {
            assert!(line["shard"].as_str().is_some_and(|shard| shard.starts_with("shardId-")), "{line}");
            let key = line["key"].as_str().expect("a key").to_owned();
            products.entry(key).or_default().push(line["value"].to_string());
        }
        let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for n in 0..EVENTS {
            let value = event(n).parse::<Value>().expect("JSON").to_string();
            expected.entry(format!("p{}", n % 301)).or_default().push(value);
        }
        assert!(products == expected, "other events, or in another order: {}", error(&received));
    }
    let short = statefun(moto, &["receive", "kinesis:exact", "--from-beginning", "--count", "3001", "--timeout", "3s"]);
    assert_eq!((short.status.code(), lines_of(&short).len()), (Some(3), EVENTS), "{}", error(&short));
}

async fn aggregated_records_are_split(moto: &Moto) {
    moto.create("aggregate", 1).await;
    let data = Blob::new(STANDARD.decode(AGGREGATE).expect("base64"));
    let put = moto.client().put_record().stream_name("aggregate").partition_key("a").data(data).send().await;
    let sequence = put.expect("stored").sequence_number;
    let received = statefun(moto, &["receive", "kinesis:aggregate", "--from-beginning", "--to-end"]);
    let line = |n: u32, rest: &str| {
        let shard = "shardId-000000000000";
        format!(r#"{{"stream":"aggregate","shard":"{shard}","sequence":"{sequence}","subsequence":{n},{rest}}}"#)
    };
    assert_eq!(
        std::str::from_utf8(&received.stdout).expect("text").lines().collect::<Vec<_>>(),
        [
            line(0, r#""key":"cart-1","value":{"n":1}"#),
            line(1, r#""key":"cart-2","value":{"n":2}"#),
            line(2, r#""key":"cart-1","value_base64":"AP8=""#),
        ]
    );
}

async fn what_comes_from_now_on_is_received(moto: &Moto) {
    moto.create("now", 2).await;
    assert!(fed(moto, &["send", "kinesis:now", "--key", "k"], "before").status.success());
    let mut receiver = command(moto, &["receive", "kinesis:now", "--count", "1", "--timeout", "30s"]);
    let mut receiver = receiver.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("started");
    moto::said(receiver.stderr.take().expect("its errors"), "receiving from kinesis:now from now on");
    assert!(fed(moto, &["send", "kinesis:now", "--key", "k"], "after").status.success());
    let received = receiver.wait_with_output().expect("ended");
    assert!(received.status.success());
    assert_eq!(lines_of(&received)[0]["value_text"], "after");
}

async fn shards_that_are_split_are_followed(moto: &Moto) {
    moto.create("split", 1).await;
    assert!(fed(moto, &["send", "kinesis:split", "--key", "k"], "before").status.success());
    let middle = (u128::MAX / 2).to_string();
    let split = moto.client().split_shard().stream_name("split").shard_to_split("shardId-000000000000");
    split.new_starting_hash_key(middle).send().await.expect("split");
    assert!(fed(moto, &["send", "kinesis:split", "--key", "k"], "after").status.success());
    let received = statefun(moto, &["receive", "kinesis:split", "--from-beginning", "--to-end"]);
    let values: Vec<_> = lines_of(&received).into_iter().map(|line| line["value_text"].clone()).collect();
    assert_eq!(values, ["before", "after"], "{}", error(&received));
}

/// No record comes twice, and none is left out.
async fn an_expired_iterator_is_replaced(moto: &Moto) {
    moto.create("expiring", 1).await;
    assert!(fed(moto, &["send", "kinesis:expiring", "--key", "k"], "one\ntwo").status.success());
    for (options, said, expected) in [
        (["--count", "3", "--from-beginning"].as_slice(), "from the beginning", ["one", "two", "three"].as_slice()),
        (&["--count", "1"], "from now on", &["three"]),
    ] {
        let options = [&["receive", "kinesis:expiring", "--timeout", "30s"], options].concat();
        let mut receiver = command_at(&expiring::start(moto), &options);
        let mut receiver = receiver.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("started");
        moto::said(receiver.stderr.take().expect("its errors"), &format!("receiving from kinesis:expiring {said}"));
        assert!(fed(moto, &["send", "kinesis:expiring", "--key", "k"], "three").status.success());
        let received = receiver.wait_with_output().expect("ended");
        let values: Vec<_> = lines_of(&received).into_iter().map(|line| line["value_text"].clone()).collect();
        assert_eq!(received.status.code(), Some(0));
        assert_eq!(values, expected);
    }
}

fn errors_are_reported(moto: &Moto) {
    for (arguments, expected) in [
        (vec!["send", "kinesis:unknown", "--key", "k"], "are the stream's name and the region correct?"),
        (vec!["receive", "kinesis:unknown"], "are the stream's name and the region correct?"),
        (vec!["send", "kinesis:exact", "--no-key", "empty"], "Kinesis has no empty keys"),
        (vec!["send", "kinesis:exact", "--key", ""], "line 1: a key of 0 characters; Kinesis accepts 1 to 256"),
    ] {
        let output = fed(moto, &arguments, "a");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(error(&output).contains(expected), "{}", error(&output));
    }
}

fn command(moto: &Moto, arguments: &[&str]) -> Command {
    command_at(moto.url(), arguments)
}

fn command_at(url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_statefun"));
    command.args(arguments).args(["--endpoint-url", url, "--region", "us-east-1"]);
    command.env("AWS_ACCESS_KEY_ID", "any").env("AWS_SECRET_ACCESS_KEY", "any");
    command
}

fn statefun(moto: &Moto, arguments: &[&str]) -> Output {
    command(moto, arguments).output().expect("the program starts")
}

fn fed(moto: &Moto, arguments: &[&str], lines: &str) -> Output {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), lines).expect("written");
    let input = std::fs::File::open(file.path()).expect("opened");
    command(moto, arguments).stdin(input).output().expect("the program starts")
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn lines_of(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).expect("text");
    text.lines().map(|line| line.parse().expect("a line of JSON")).collect()
}
