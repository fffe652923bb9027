use std::sync::Arc;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::KafkaArgs;
use super::client::{self, LogContext};
use crate::sink::{Deliveries, Record, Sink};
use statefun_sdk::BoxError;

/// The most bytes in flight. With [`OVERHEAD`] it stays below librdkafka's own limits, 100,000 records and 1 GiB.
const MAX_IN_FLIGHT: u32 = 64 * 1024 * 1024;

/// The size added for each record.
const OVERHEAD: usize = 1024;

/// Sends records to a topic.
pub struct Producer {
    producer: ThreadedProducer<Confirmations>,
    topic: String,
    in_flight: Arc<Semaphore>,
}

impl Producer {
    /// Looks up the topic.
    ///
    /// # Errors
    /// When no broker responds, or the topic does not exist.
    pub fn connect(args: &KafkaArgs, topic: &str, deliveries: Deliveries) -> Result<Self, BoxError> {
        let own = [
            // All replicas confirm, and the client's retries neither duplicate nor reorder records.
            ("enable.idempotence", "true"),
            // The partitioner of the Java clients, so that a key has the same partition with any client.
            ("partitioner", "murmur2_random"),
            // After this time a record fails.
            ("message.timeout.ms", "60000"),
        ];
        let producer: ThreadedProducer<_> = client::config(args, &own)
            .create_with_context(Confirmations { deliveries })
            .map_err(client::client_error)?;
        client::partitions(producer.client(), topic, &args.brokers)?;
        Ok(Self { producer, topic: topic.to_owned(), in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT as usize)) })
    }

    async fn reserve(&self, bytes: usize) -> Result<OwnedSemaphorePermit, BoxError> {
        let bytes = u32::try_from(bytes).unwrap_or(MAX_IN_FLIGHT).min(MAX_IN_FLIGHT);
        Ok(self.in_flight.clone().acquire_many_owned(bytes).await?)
    }
}

impl Sink for Producer {
    async fn send(&mut self, record: Record) -> Result<(), BoxError> {
        let permit = self.reserve(record.key.len() + record.value.len() + OVERHEAD).await?;
        let in_flight = Box::new(InFlight { line: record.line, _permit: permit });
        let message = BaseRecord::with_opaque_to(&self.topic, in_flight).key(&record.key).payload(&record.value);
        self.producer.send(message).map_err(|(error, _)| error.into())
    }

    async fn finish(self) {
        // All permits are free when no record is in flight.
        let _ = self.reserve(MAX_IN_FLIGHT as usize).await;
    }
}

/// A record between [`Sink::send`] and its confirmation.
struct InFlight {
    line: u64,
    _permit: OwnedSemaphorePermit,
}

struct Confirmations {
    deliveries: Deliveries,
}

impl ClientContext for Confirmations {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        LogContext.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        LogContext.error(error, reason);
    }
}

impl ProducerContext for Confirmations {
    type DeliveryOpaque = Box<InFlight>;

    fn delivery(&self, result: &DeliveryResult<'_>, in_flight: Box<InFlight>) {
        match result {
            Ok(_) => self.deliveries.confirm(),
            Err((error, _)) => self.deliveries.fail(in_flight.line, &error.to_string()),
        }
    }
}
