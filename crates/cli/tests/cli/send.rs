//! `send` into memory: which records lines become, with which keys, in which time.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use statefun_applications::product_cart::{self, EVENTS};
use statefun_cli::send::{self, SendArgs};
use statefun_cli::sink::{Deliveries, Record, Sink};
use statefun_dev::Lines;
use statefun_sdk::BoxError;
use tokio::time::Instant;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: SendArgs,
}

/// Takes records, up to one with the value "broken".
struct Memory<'a> {
    records: &'a mut Vec<Record>,
    deliveries: Deliveries,
}

impl Sink for Memory<'_> {
    async fn send(&mut self, record: Record) -> Result<(), BoxError> {
        match record.value.as_slice() {
            b"unfit" => return Err("unfit".into()),
            b"broken" => self.deliveries.fail(record.line, "broken"),
            _ => self.deliveries.confirm(),
        }
        self.records.push(record);
        Ok(())
    }

    async fn finish(self) {}
}

/// What becomes of these lines with these options.
async fn sent(lines: &str, options: &[&str]) -> (Vec<Record>, Result<(), String>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file: PathBuf = folder.path().join("events.jsonl");
    std::fs::write(&file, lines).expect("written");
    let command = ["send", "kafka:example-ingress"].iter().chain(options);
    let args = Command::try_parse_from(command).expect("options").args;
    let (mut records, deliveries) = (Vec::new(), Deliveries::default());
    let sink = Memory { records: &mut records, deliveries: deliveries.clone() };
    let lines = Lines::open(&file).await.expect("opened");
    let result = send::send(lines, sink, &args, deliveries).await.map_err(|error| error.to_string());
    (records, result.map_err(|text| text.replace(&*file.to_string_lossy(), "events.jsonl")))
}

fn record(line: u64, key: &str, value: &str) -> Record {
    Record { line, key: key.to_owned(), value: value.into() }
}

/// The rules of these events.
const RULES: [&str; 4] = ["--key-rule", "example.product=/data/id", "--key-rule", "example.cart-*=/data/cartId"];

const CARTS: &str = r#"{"type":"example.cart-cleared","data":{"cartId":"c"}}

{"type":"example.product","data":{"id":7}}
"#;

#[tokio::test]
async fn each_line_is_a_record_as_it_is() {
    let (records, result) = sent(CARTS, &RULES).await;
    let lines: Vec<_> = CARTS.lines().collect();
    assert_eq!(records, [record(1, "c", lines[0]), record(3, "7", lines[2])]);
    assert_eq!(result, Ok(()));
}

#[tokio::test]
async fn the_sample_events_say_where_their_keys_are_as_the_router_does() {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../applications/tests/data/product_cart/router.jsonl");
    let more = std::fs::read_to_string(data).expect("events");
    let keys_of_all = EVENTS.lines().next().expect("a line");
    let mut keys = 0;
    for event in EVENTS.lines().chain(more.lines()) {
        if let Some(key) = product_cart::record_key(event.as_bytes()) {
            let (records, result) = sent(&format!("{keys_of_all}\n{event}"), &[]).await;
            assert_eq!((records, result), (vec![record(2, &key, event)], Ok(())));
            keys += 1;
        }
    }
    assert!(keys > 3, "no events to compare");
}

#[tokio::test]
async fn keys_come_from_where_the_file_says_unless_an_option_does() {
    let file = r#"{"type":"test.keys","data":"/a"}
{"a":"1","b":"2"}
{"type":"test.keys","data":["t=/b"]}
{"type":"t","a":"1","b":"2"}"#;
    for (options, expected) in [
        (&[][..], ["1", "2"]),
        (&["--directives", "skip"], ["1", "2"]),
        (&["--key-pointer", "/b"], ["2", "2"]),
        (&["--key", "k"], ["k", "k"]),
    ] {
        let (records, result) = sent(file, options).await;
        assert_eq!(result, Ok(()));
        assert_eq!(records.into_iter().map(|record| record.key).collect::<Vec<_>>(), expected, "{options:?}");
    }
    let error = sent("a", &[]).await.1.expect_err("no keys");
    assert!(error.contains("line 1: it is not known where its key is; use --key-pointer"), "{error}");
}

#[tokio::test]
async fn keys_come_from_where_the_options_say() {
    let keys = async |options: &[&str]| {
        let (records, result) = sent(CARTS, options).await;
        result.map(|()| records.into_iter().map(|record| record.key).collect::<Vec<_>>())
    };
    assert_eq!(keys(&["--key", ""]).await, Ok(vec![String::new(); 2]));
    assert_eq!(keys(&["--key-rule", "*=/type", "--no-key", "empty"]).await.expect("sent")[1], "example.product");
    assert_eq!(keys(&["--key-pointer", "/data/cartId", "--no-key", "empty"]).await, Ok(vec!["c".into(), "".into()]));
    assert_eq!(
        keys(&["--key-pointer", "/data/cartId"]).await.expect_err("no key in line 3"),
        "events.jsonl, line 3: nothing at /data/cartId, expected the key: a string or a number; \
         use --key-pointer, --key-rule, --key or --no-key, or a line of type test.keys"
    );
}

#[tokio::test]
async fn what_comes_before_a_line_without_a_key_is_sent() {
    let (records, result) = sent("{\"type\":\"example.product\",\"data\":{\"id\":\"p\"}}\npoison\n", &RULES).await;
    assert_eq!(records.len(), 1);
    assert!(result.expect_err("poison").starts_with("events.jsonl, line 2: not JSON"));
    let (records, result) = sent("poison", &["--key", "k"]).await;
    assert_eq!((records, result), (vec![record(1, "k", "poison")], Ok(())));
}

#[tokio::test]
async fn nothing_overtakes_a_record_that_failed() {
    let (records, result) = sent("a\nbroken\nc", &["--key", "k"]).await;
    assert_eq!(records.len(), 2);
    assert_eq!(result, Err("1 of 2 records were not delivered to kafka:example-ingress".into()));
    let (records, result) = sent("a\nunfit\nc", &["--key", "k"]).await;
    assert_eq!((records.len(), result), (1, Err("events.jsonl, line 2: unfit".into())));
}

#[tokio::test]
async fn no_more_than_wanted_is_sent() {
    let (records, result) = sent("a\nb\nc", &["--key", "k", "--count", "2"]).await;
    assert_eq!((records.len(), result), (2, Ok(())));
}

const DIRECTIVES: &str = r#"{"type":"test.comment","data":"first"}
{"type":"test.delay","data":1000}
a
{"type":"test.delay-between-events","data":20}
b
c
"#;

#[tokio::test(start_paused = true)]
async fn directives_are_honoured_left_out_or_sent() {
    for (what, lines, time) in
        [("honour", vec![3, 5, 6], 1_040), ("skip", vec![3, 5, 6], 0), ("send", (1..=6).collect(), 0)]
    {
        let start = Instant::now();
        let (records, result) = sent(DIRECTIVES, &["--key", "k", "--directives", what]).await;
        assert_eq!(result, Ok(()));
        assert_eq!(records.iter().map(|record| record.line).collect::<Vec<_>>(), lines, "{what}");
        assert_eq!(start.elapsed(), Duration::from_millis(time), "{what}");
    }
}

#[tokio::test]
async fn a_directive_that_cannot_be_understood_is_an_error() {
    let (records, result) = sent("a\n{\"type\":\"test.delay\",\"data\":\"long\"}", &["--key", "k"]).await;
    assert_eq!(records.len(), 1);
    assert_eq!(
        result,
        Err("events.jsonl, line 2: test.delay with \"long\" as its data; expected a number of milliseconds, such as \
             500"
        .into())
    );
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_kept() {
    let start = Instant::now();
    let (records, _) = sent(&"a\n".repeat(500), &["--key", "k", "--rate", "1000/s"]).await;
    assert_eq!((records.len(), start.elapsed()), (500, Duration::from_millis(500)));
}

#[test]
fn conflicting_options_are_an_error() {
    for options in [
        ["--key", "k", "--key-pointer", "/id"],
        ["--key", "k", "--key-rule", "*=/id"],
        ["--key-pointer", "/id", "--key-rule", "*=/id"],
        ["--rate", "0/s", "--no-key", "error"],
    ] {
        assert!(Command::try_parse_from(["send", "kafka:t"].iter().chain(&options)).is_err(), "{options:?}");
    }
}
