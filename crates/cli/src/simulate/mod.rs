//! `simulate`: sends generated payments to fraud detection and prints its alerts.

#[cfg(feature = "simulate")]
mod simulation;

#[cfg(feature = "simulate")]
pub use simulation::simulate;

use std::time::Duration;

use clap::Args;

use crate::kafka::KafkaArgs;
use crate::schedule::Rate;
use statefun_sdk::BoxError;

/// Options of `simulate`.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// Transactions per second; fraud confirmations and thresholds have a tenth of this rate each
    #[arg(long, value_name = "N/s", default_value = "1/s")]
    pub rate: Rate,
    /// Stop after this time, such as 30s or 2min [default: at Ctrl-C]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub duration: Option<Duration>,
    /// How long to wait for alerts after the last event; should be longer than the checkpoint interval
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    pub linger: Duration,
    /// The seed of the generated events; the same seed generates the same events [default: a random one, which is
    /// printed]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Options of Kafka
    #[command(flatten)]
    pub kafka: KafkaArgs,
}

/// Sends events to fraud detection and prints its alerts, for the given duration or until Ctrl-C.
///
/// # Errors
/// When an event cannot be sent or is not confirmed, or when alerts cannot be received.
#[cfg(all(feature = "kafka", feature = "simulate"))]
pub async fn run(args: SimulateArgs) -> Result<(), BoxError> {
    use std::collections::BTreeMap;

    use statefun_applications::fraud::{ALERTS_TOPIC, CONFIRMED_TOPIC, THRESHOLDS_TOPIC, TRANSACTIONS_TOPIC};

    use crate::kafka::{Consumer, Producer, create_missing};
    use crate::receive::Extent;
    use crate::sink::Deliveries;

    let topics = [TRANSACTIONS_TOPIC, CONFIRMED_TOPIC, THRESHOLDS_TOPIC];
    // The topics may not exist before the first alert, or before a consumer reads thresholds.
    for topic in topics.into_iter().chain([ALERTS_TOPIC]) {
        create_missing(&args.kafka, topic).await?;
    }
    let alerts = Consumer::connect(&args.kafka, ALERTS_TOPIC, Extent::FROM_NOW)?;
    let deliveries = Deliveries::of("event");
    let mut sinks = BTreeMap::new();
    for topic in topics {
        sinks.insert(topic, Producer::connect(&args.kafka, topic, deliveries.clone())?);
    }
    let stop = async {
        // Without a signal handler, run until the duration is over.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    };
    simulate(&args, sinks, deliveries, alerts, std::io::stdout(), stop).await
}

/// Returns an error that says how to build the program with Kafka and the generator of payments.
///
/// # Errors
/// Always.
#[cfg(not(all(feature = "kafka", feature = "simulate")))]
pub async fn run(_: SimulateArgs) -> Result<(), BoxError> {
    let missing = if cfg!(feature = "simulate") { "a client for kafka" } else { "the generator of payments" };
    Err(crate::features::not_built(missing, "kafka,simulate"))
}
