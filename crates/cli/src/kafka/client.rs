use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::{Client, ClientContext};
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use super::KafkaArgs;
use statefun_sdk::{BoxError, Escaped};

/// The timeout of requests to the brokers.
const TIMEOUT: Duration = Duration::from_secs(15);

/// The brokers' default number of partitions and replicas.
const DEFAULT: i32 = -1;

/// The configuration of producer and consumer; the user's own properties come last.
pub(super) fn config(args: &KafkaArgs, own: &[(&str, &str)]) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &args.brokers).set("client.id", "statefun-cli");
    for (name, value) in own {
        config.set(*name, *value);
    }
    for (name, value) in &args.properties {
        config.set(name, value);
    }
    config
}

/// The error of a client that cannot be created.
pub(super) fn client_error(error: KafkaError) -> BoxError {
    match error {
        KafkaError::ClientConfig(_, reason, name, value) => {
            format!("--kafka-property {name}={value}: {reason}; expected a property as librdkafka documents it").into()
        }
        error => error.into(),
    }
}

/// The partitions of a topic. Blocks for at most [`TIMEOUT`].
///
/// # Errors
/// When no broker responds, or the topic does not exist.
pub(super) fn partitions<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    brokers: &str,
) -> Result<Vec<i32>, BoxError> {
    let metadata = client.fetch_metadata(Some(topic), TIMEOUT).map_err(|error| {
        format!("{brokers}: no response from a Kafka broker ({error}): is --brokers correct, and is Kafka running?")
    })?;
    let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else {
        return Err(format!("kafka:{topic}: not in the metadata of the brokers at {brokers}").into());
    };
    if let Some(error) = found.error() {
        let error = RDKafkaErrorCode::from(error);
        return Err(format!(
            "kafka:{topic}: {error} at {brokers}; expected an existing topic: is the name correct, and was it created?"
        )
        .into());
    }
    Ok(found.partitions().iter().map(|partition| partition.id()).collect())
}

/// Creates a topic with the brokers' defaults if it does not exist.
///
/// # Errors
/// When no broker responds, or the brokers reject the topic.
pub async fn create_missing(args: &KafkaArgs, topic: &str) -> Result<(), BoxError> {
    let admin: AdminClient<_> = config(args, &[]).create_with_context(LogContext).map_err(client_error)?;
    let new = NewTopic::new(topic, DEFAULT, TopicReplication::Fixed(DEFAULT));
    let options = AdminOptions::new().request_timeout(Some(TIMEOUT)).operation_timeout(Some(TIMEOUT));
    let created = admin
        .create_topics([&new], &options)
        .await
        .map_err(|error| format!("{}: {error}: is --brokers correct, and is Kafka running?", args.brokers))?;
    match created.into_iter().next() {
        Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) | None => Ok(()),
        Some(Ok(_)) => {
            eprintln!("created the missing topic {topic}");
            Ok(())
        }
        Some(Err((_, error))) => {
            Err(format!("kafka:{topic}: {error} at {}; expected a topic that exists or can be created", args.brokers)
                .into())
        }
    }
}

/// Prints the errors of librdkafka on standard error, such as an unreachable broker.
pub(super) struct LogContext;

impl ClientContext for LogContext {
    fn log(&self, level: RDKafkaLogLevel, _facility: &str, message: &str) {
        use RDKafkaLogLevel::{Alert, Critical, Emerg, Error};
        if matches!(level, Emerg | Alert | Critical | Error) {
            // The prefix in brackets is the name of a librdkafka thread.
            eprintln!("kafka: {}", Escaped(message.split_once("]: ").map_or(message, |(_, message)| message)));
        }
    }

    /// Ignored, as all errors are also logged.
    fn error(&self, _error: KafkaError, _reason: &str) {}
}

impl ConsumerContext for LogContext {}
