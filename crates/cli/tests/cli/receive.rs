//! `receive` from memory: what is printed, and when it ends.

use std::future::pending;
use std::io::{self, Write};
use std::time::Duration;

use clap::Parser;
use statefun_cli::receive::{self, Outcome, ReceiveArgs, Source};
use statefun_cli::received::{Position, Received};
use statefun_sdk::BoxError;
use tokio::time::Instant;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: ReceiveArgs,
}

/// Returns records, then ends or waits forever.
struct Memory {
    records: i64,
    given: i64,
    ends: bool,
}

impl Source for Memory {
    async fn next(&mut self) -> Result<Option<Received>, BoxError> {
        if self.given == self.records {
            return if self.ends { Ok(None) } else { pending().await };
        }
        self.given += 1;
        let position = Position::Kafka { topic: "t".into(), partition: 0, offset: self.given };
        Ok(Some(Received { position, key: Some(b"k".into()), value: Some(b"1".into()) }))
    }
}

async fn received(records: i64, options: &[&str], output: impl Write) -> Outcome {
    let command = ["receive", "kafka:t"].iter().chain(options);
    let args = Command::try_parse_from(command).expect("options").args;
    let source = Memory { records, given: 0, ends: args.extent.to_end };
    receive::receive(source, &args, output).await.expect("received")
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_the_number_the_end_or_the_time() {
    for (options, end, lines, time) in [
        (vec!["--count", "2"], Outcome::Complete, 2, 0),
        (vec!["--count", "0"], Outcome::Complete, 0, 0),
        (vec!["--count", "4", "--timeout", "2min"], Outcome::TimedOut, 3, 120),
        (vec!["--timeout", "30s"], Outcome::Complete, 3, 30),
        (vec!["--from-beginning", "--to-end", "--timeout", "30s"], Outcome::Complete, 3, 0),
    ] {
        let (start, mut output) = (Instant::now(), Vec::new());
        assert_eq!(received(3, &options, &mut output).await, end, "{options:?}");
        let output = String::from_utf8(output).expect("text");
        assert_eq!(output.lines().count(), lines, "{options:?}");
        assert_eq!(start.elapsed(), Duration::from_secs(time), "{options:?}");
    }
}

#[tokio::test]
async fn a_record_is_a_line() {
    let mut output = Vec::new();
    received(1, &["--count", "1"], &mut output).await;
    assert_eq!(output, b"{\"topic\":\"t\",\"partition\":0,\"offset\":1,\"key\":\"k\",\"value\":1}\n");
}

#[tokio::test]
async fn a_reader_that_goes_away_has_enough() {
    struct Gone;
    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    assert_eq!(received(1, &[], Gone).await, Outcome::Complete);
}

#[test]
fn an_end_needs_a_beginning() {
    assert!(Command::try_parse_from(["receive", "kafka:t", "--to-end"]).is_err());
    assert!(Command::try_parse_from(["receive", "kafka:t", "--from-beginning", "--to-end", "--count", "1"]).is_err());
}
