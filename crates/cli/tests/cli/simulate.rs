//! `simulate` in memory: what is sent where and when, and what is printed.

use std::collections::BTreeMap;
use std::future::{Future, pending, ready};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clap::Parser;
use prost::Message as _;
use statefun_applications::fraud::messages::{ConfirmFraud, CustomThreshold, Transaction};
use statefun_cli::receive::Source;
use statefun_cli::received::{Position, Received};
use statefun_cli::simulate::{SimulateArgs, simulate};
use statefun_cli::sink::{Deliveries, Record, Sink};
use statefun_sdk::BoxError;
use tokio::time::Instant;

const TOPICS: [&str; 3] = ["confirmed", "thresholds", "transactions"];

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: SimulateArgs,
}

fn args(options: &[&str]) -> SimulateArgs {
    Command::parse_from([&["simulate"], options].concat()).args
}

/// What was sent: when, to which topic, with which key.
type Sent = Arc<Mutex<Vec<(Duration, &'static str, Record)>>>;

/// Keeps records, and fails to deliver the one of this number.
struct Memory {
    topic: &'static str,
    start: Instant,
    sent: Sent,
    deliveries: Deliveries,
    broken: u64,
}

impl Sink for Memory {
    async fn send(&mut self, record: Record) -> Result<(), BoxError> {
        match record.line == self.broken {
            true => self.deliveries.fail(record.line, "broken"),
            false => self.deliveries.confirm(),
        }
        self.sent.lock().unwrap().push((self.start.elapsed(), self.topic, record));
        Ok(())
    }

    async fn finish(self) {}
}

/// Returns these values, each after a second, then waits or returns an error.
struct Alerts {
    values: Vec<Option<Vec<u8>>>,
    fails: bool,
}

impl Source for Alerts {
    async fn next(&mut self) -> Result<Option<Received>, BoxError> {
        if self.values.is_empty() {
            if self.fails {
                return Err("the broker is gone".into());
            }
            pending::<()>().await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let position = Position::Kafka { topic: "alerts".into(), partition: 0, offset: 0 };
        Ok(Some(Received { position, key: None, value: self.values.remove(0) }))
    }
}

fn no_alerts() -> Alerts {
    Alerts { values: Vec::new(), fails: false }
}

fn alert(amount: i32) -> Option<Vec<u8>> {
    let (account, merchant) = ("0x00F3CD51".to_owned(), "Hypergrid".to_owned());
    Some(Transaction { account, merchant, amount, timestamp: None }.encode_to_vec())
}

struct Simulated {
    sent: Vec<(Duration, &'static str, Record)>,
    output: String,
    result: Result<(), String>,
    took: Duration,
}

async fn simulated(
    options: &[&str],
    broken: u64,
    alerts: Alerts,
    mut output: impl Write + AsText,
    stop: impl Future<Output = ()>,
) -> Simulated {
    let (start, sent, deliveries) = (Instant::now(), Sent::default(), Deliveries::of("event"));
    let sinks: BTreeMap<_, _> = TOPICS
        .into_iter()
        .map(|topic| (topic, Memory { topic, start, sent: sent.clone(), deliveries: deliveries.clone(), broken }))
        .collect();
    let result = simulate(&args(options), sinks, deliveries, alerts, &mut output, stop).await;
    let sent = sent.lock().unwrap().clone();
    Simulated { sent, output: output.text(), result: result.map_err(|error| error.to_string()), took: start.elapsed() }
}

trait AsText {
    fn text(&self) -> String;
}

impl AsText for Vec<u8> {
    fn text(&self) -> String {
        String::from_utf8(self.clone()).expect("text")
    }
}

/// Fails every write.
struct Broken(io::ErrorKind);

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsText for Broken {
    fn text(&self) -> String {
        String::new()
    }
}

#[tokio::test(start_paused = true)]
async fn a_transaction_a_second_goes_out_and_a_tenth_as_many_of_the_others() {
    let options = ["--seed", "42", "--duration", "30s"];
    let Simulated { sent, result, took, .. } = simulated(&options, 0, no_alerts(), Vec::new(), pending()).await;
    assert_eq!(result, Ok(()));
    assert_eq!(took, Duration::from_secs(40), "with the time to wait for alerts");
    let mut numbers = 1..;
    for (at, topic, record) in &sent {
        assert_eq!(Some(record.line), numbers.next());
        assert!(!record.key.is_empty());
        let value = record.value.as_slice();
        match *topic {
            "transactions" => assert!(Transaction::decode(value).is_ok_and(|sent| !sent.account.is_empty())),
            "confirmed" => assert!(ConfirmFraud::decode(value).is_ok_and(|sent| sent.account == record.key)),
            _ => assert!(CustomThreshold::decode(value).is_ok_and(|sent| sent.account == record.key)),
        }
        assert_eq!(at.subsec_nanos(), 0);
    }
    let times = |topic| sent.iter().filter(|sent| sent.1 == topic).map(|sent| sent.0.as_secs()).collect::<Vec<_>>();
    assert_eq!(times("transactions"), (1..=30).collect::<Vec<_>>());
    assert_eq!((times("confirmed"), times("thresholds")), (vec![10, 20, 30], vec![10, 20, 30]));
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_kept_and_a_seed_repeats_its_events() {
    let run = async |seed| {
        let options = ["--seed", seed, "--rate", "200/s", "--duration", "5s", "--linger", "0s"];
        simulated(&options, 0, no_alerts(), Vec::new(), pending()).await
    };
    let first = run("7").await;
    assert_eq!((first.sent.len(), first.took), (1200, Duration::from_secs(5)));
    let keys = |simulated: &Simulated| simulated.sent.iter().map(|sent| sent.2.key.clone()).collect::<Vec<_>>();
    assert_eq!(keys(&run("7").await), keys(&first));
    assert_ne!(keys(&run("8").await), keys(&first));
}

#[tokio::test(start_paused = true)]
async fn each_alert_is_a_line_also_those_that_come_late() {
    let values = vec![alert(36), Some(b"\x0a\x7f".to_vec()), None, alert(37), alert(38)];
    let alerts = Alerts { values, fails: false };
    let Simulated { output, result, took, .. } =
        simulated(&["--duration", "2s", "--linger", "4s"], 0, alerts, Vec::new(), pending()).await;
    let line = |amount: u32| format!("Suspected Fraud for account id 0x00F3CD51 at Hypergrid for {amount} USD\n");
    assert_eq!((output, result), ([line(36), line(37), line(38)].concat(), Ok(())));
    assert_eq!(took, Duration::from_secs(6));
}

#[tokio::test(start_paused = true)]
async fn it_goes_on_until_it_is_interrupted() {
    let interrupt = tokio::time::sleep(Duration::from_secs(1000));
    let Simulated { sent, result, took, .. } = simulated(&[], 0, no_alerts(), Vec::new(), interrupt).await;
    assert_eq!((result, took), (Ok(()), Duration::from_secs(1000)));
    assert!(sent.len() >= 1190, "{}", sent.len());
    let Simulated { sent, result, .. } = simulated(&[], 0, no_alerts(), Vec::new(), ready(())).await;
    assert_eq!((sent.len(), result), (0, Ok(())));
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_the_reader_closes_the_pipe() {
    let alerts = || Alerts { values: vec![alert(1)], fails: false };
    let gone = Broken(io::ErrorKind::BrokenPipe);
    let Simulated { result, took, .. } = simulated(&[], 0, alerts(), gone, pending()).await;
    assert_eq!((result, took), (Ok(()), Duration::from_secs(1)));
    let full = Broken(io::ErrorKind::StorageFull);
    let Simulated { result, .. } = simulated(&[], 0, alerts(), full, pending()).await;
    assert_eq!(result, Err("standard output: no storage space".into()));
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_alerts_cannot_be_received() {
    let alerts = Alerts { values: Vec::new(), fails: true };
    let Simulated { result, .. } = simulated(&[], 0, alerts, Vec::new(), pending()).await;
    assert_eq!(result, Err("the broker is gone".into()));
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_an_event_is_not_delivered() {
    let Simulated { sent, result, .. } =
        simulated(&["--duration", "1min"], 5, no_alerts(), Vec::new(), pending()).await;
    assert_eq!((sent.len(), result), (5, Err("1 of 5 events were not delivered".into())));
}
