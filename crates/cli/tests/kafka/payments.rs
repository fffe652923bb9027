//! `simulate` and a real Kafka broker.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use statefun_applications::fraud::messages::Transaction;

use crate::broker::Broker;
use crate::{PATIENCE, command, error, lines_of, statefun};

pub(crate) async fn are_simulated(broker: &Broker) {
    let simulate = ["simulate", "--seed", "5", "--rate", "50/s"];
    let mut simulator = command(broker, &simulate);
    let mut simulator = simulator.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("started");
    let mut errors = BufReader::new(simulator.stderr.take().expect("its errors"));
    let said: Vec<_> = errors.by_ref().lines().map_while(Result::ok).take(5).collect();
    assert_eq!(
        said,
        [
            "created the missing topic transactions",
            "created the missing topic confirmed",
            "created the missing topic thresholds",
            "created the missing topic alerts",
            "seed 5: a transaction every 20ms to confirmed, thresholds, transactions; alerts from alerts",
        ]
    );

    let (account, merchant) = ("0x00F3CD51".to_owned(), "Hypergrid".to_owned());
    let alert = prost::Message::encode_to_vec(&Transaction { account, merchant, amount: 36, timestamp: None });
    let producer: BaseProducer = broker.config().create().expect("a producer");
    producer.send(BaseRecord::to("alerts").key("0x00F3CD51").payload(&alert)).expect("queued");
    producer.flush(PATIENCE).expect("written");
    let mut line = String::new();
    BufReader::new(simulator.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
    assert_eq!(line, "Suspected Fraud for account id 0x00F3CD51 at Hypergrid for 36 USD\n");

    let received = |topic: &str, count: &str| {
        let channel = format!("kafka:{topic}");
        let options = ["receive", &channel, "--from-beginning", "--count", count, "--timeout", "30s"];
        let received = statefun(broker, &options);
        assert!(received.status.success(), "{topic}: {}", error(&received));
        lines_of(&received).into_iter().map(|line| line["key"].as_str().expect("a key").to_owned()).collect::<Vec<_>>()
    };
    assert!(received("transactions", "20").iter().all(|key| key.len() == 32));
    for topic in ["confirmed", "thresholds"] {
        assert!(received(topic, "2").iter().all(|key| key.starts_with("0x00")));
    }
    let interrupted = Command::new("kill").args(["-INT", &simulator.id().to_string()]).status().expect("kill");
    assert!(interrupted.success());
    let mut summary = String::new();
    errors.read_to_string(&mut summary).expect("text");
    assert!(simulator.wait().expect("ended").success(), "{summary}");
    assert!(summary.starts_with("seed 5: ") && summary.ends_with(" s; 1 alerts\n"), "{summary}");
}
