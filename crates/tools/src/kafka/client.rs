use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::{Client, ClientContext};
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use super::KafkaArgs;
use crate::BoxError;

/// How long the brokers may take to answer the first question.
const PATIENCE: Duration = Duration::from_secs(15);

/// Partitions and replicas as the brokers are configured.
const DEFAULT: i32 = -1;

/// What producer and consumer have in common; the user's own properties come last.
pub(super) fn config(args: &KafkaArgs, own: &[(&str, &str)]) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &args.brokers).set("client.id", "statefun-tools");
    for (name, value) in own {
        config.set(*name, *value);
    }
    for (name, value) in &args.properties {
        config.set(name, value);
    }
    config
}

/// The error of a client that cannot be made.
pub(super) fn refused(error: KafkaError) -> BoxError {
    match error {
        KafkaError::ClientConfig(_, reason, name, value) => {
            format!("--kafka-property {name}={value}: {reason}; expected a property as librdkafka documents it").into()
        }
        error => error.into(),
    }
}

/// The partitions of a topic. Blocks, for [`PATIENCE`] at most.
///
/// # Errors
/// When no broker answers, or there is no such topic.
pub(super) fn partitions<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    brokers: &str,
) -> Result<Vec<i32>, BoxError> {
    let metadata = client.fetch_metadata(Some(topic), PATIENCE).map_err(|error| {
        format!("{brokers}: no broker answers ({error}); expected Kafka there: is --brokers right, and does it run?")
    })?;
    let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else {
        return Err(format!("kafka:{topic}: the brokers at {brokers} say nothing about it").into());
    };
    if let Some(error) = found.error() {
        let error = RDKafkaErrorCode::from(error);
        return Err(format!(
            "kafka:{topic}: {error} at {brokers}; expected a topic that exists: is the name right, and was it created?"
        )
        .into());
    }
    Ok(found.partitions().iter().map(|partition| partition.id()).collect())
}

/// Makes a topic as the brokers make them unless told otherwise, if there is none of this name.
///
/// # Errors
/// When no broker answers, or the brokers refuse.
pub async fn create_missing(args: &KafkaArgs, topic: &str) -> Result<(), BoxError> {
    let admin: AdminClient<_> = config(args, &[]).create_with_context(Complaints).map_err(refused)?;
    let new = NewTopic::new(topic, DEFAULT, TopicReplication::Fixed(DEFAULT));
    let options = AdminOptions::new().request_timeout(Some(PATIENCE)).operation_timeout(Some(PATIENCE));
    let created = admin.create_topics([&new], &options).await.map_err(|error| {
        format!("{}: {error}; expected Kafka there: is --brokers right, and does it run?", args.brokers)
    })?;
    match created.into_iter().next() {
        Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) | None => Ok(()),
        Some(Ok(_)) => {
            eprintln!("there was no topic {topic}: created");
            Ok(())
        }
        Some(Err((_, error))) => {
            Err(format!("kafka:{topic}: {error} at {}; expected a topic that exists or may be made", args.brokers)
                .into())
        }
    }
}

/// Says on standard error what librdkafka complains of, such as a broker that does not answer.
pub(super) struct Complaints;

impl ClientContext for Complaints {
    fn log(&self, level: RDKafkaLogLevel, _facility: &str, message: &str) {
        use RDKafkaLogLevel::{Alert, Critical, Emerg, Error};
        if matches!(level, Emerg | Alert | Critical | Error) {
            // In brackets, the name of a thread of librdkafka.
            eprintln!("kafka: {}", message.split_once("]: ").map_or(message, |(_, message)| message));
        }
    }

    /// All of them are in the log, too.
    fn error(&self, _error: KafkaError, _reason: &str) {}
}

impl ConsumerContext for Complaints {}
