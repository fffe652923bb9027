use std::sync::Arc;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::KafkaArgs;
use super::client::{self, Complaints};
use crate::BoxError;
use crate::sink::{Deliveries, Record, Sink};

/// The bytes that may be under way. With [`OVERHEAD`] it keeps librdkafka's own limits, 100,000 records and 1 GiB, out
/// of reach.
const ROOM: u32 = 64 * 1024 * 1024;

/// What a record counts for besides its bytes.
const OVERHEAD: usize = 1024;

/// Sends records to a topic.
pub struct Producer {
    producer: ThreadedProducer<Confirmations>,
    topic: String,
    room: Arc<Semaphore>,
}

impl Producer {
    /// Finds the topic.
    ///
    /// # Errors
    /// When no broker answers, or there is no such topic.
    pub fn connect(args: &KafkaArgs, topic: &str, deliveries: Deliveries) -> Result<Self, BoxError> {
        let own = [
            // All replicas confirm, and what is sent again by the client is neither doubled nor reordered.
            ("enable.idempotence", "true"),
            // The Java clients' way, so that a key has one partition whoever sends it.
            ("partitioner", "murmur2_random"),
            // Then a record is given up.
            ("message.timeout.ms", "60000"),
        ];
        let producer: ThreadedProducer<_> =
            client::config(args, &own).create_with_context(Confirmations { deliveries }).map_err(client::refused)?;
        client::partitions(producer.client(), topic, &args.brokers)?;
        Ok(Self { producer, topic: topic.to_owned(), room: Arc::new(Semaphore::new(ROOM as usize)) })
    }

    async fn room_for(&self, bytes: usize) -> Result<OwnedSemaphorePermit, BoxError> {
        let bytes = u32::try_from(bytes).unwrap_or(ROOM).min(ROOM);
        Ok(self.room.clone().acquire_many_owned(bytes).await?)
    }
}

impl Sink for Producer {
    async fn send(&mut self, record: Record) -> Result<(), BoxError> {
        let room = self.room_for(record.key.len() + record.value.len() + OVERHEAD).await?;
        let under_way = Box::new(UnderWay { line: record.line, _room: room });
        let message = BaseRecord::with_opaque_to(&self.topic, under_way).key(&record.key).payload(&record.value);
        self.producer.send(message).map_err(|(error, _)| error.into())
    }

    async fn finish(self) {
        // Whatever was under way has given its room back.
        let _ = self.room_for(ROOM as usize).await;
    }
}

/// A record between [`Sink::send`] and its confirmation.
struct UnderWay {
    line: u64,
    _room: OwnedSemaphorePermit,
}

struct Confirmations {
    deliveries: Deliveries,
}

impl ClientContext for Confirmations {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        Complaints.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        Complaints.error(error, reason);
    }
}

impl ProducerContext for Confirmations {
    type DeliveryOpaque = Box<UnderWay>;

    fn delivery(&self, result: &DeliveryResult<'_>, under_way: Box<UnderWay>) {
        match result {
            Ok(_) => self.deliveries.confirm(),
            Err((error, _)) => self.deliveries.fail(under_way.line, &error.to_string()),
        }
    }
}
