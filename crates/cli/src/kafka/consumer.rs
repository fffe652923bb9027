use std::collections::BTreeSet;
use std::time::Duration;

use rdkafka::Message as _;
use rdkafka::consumer::{Consumer as _, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::BorrowedMessage;
use rdkafka::types::RDKafkaErrorCode::{AllBrokersDown, BrokerTransportFailure, Resolve};
use rdkafka::{Offset, TopicPartitionList};

use super::KafkaArgs;
use super::client::{self, LogContext};
use crate::receive::{Extent, Isolation, Source};
use crate::received::{Position, Received};
use statefun_sdk::BoxError;

/// The timeout of a request for a partition's end.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Receives the records of all partitions of a topic.
pub struct Consumer {
    consumer: StreamConsumer<LogContext>,
    /// The partitions whose end was not reached, with `--to-end`.
    before_end: Option<BTreeSet<i32>>,
}

impl Consumer {
    /// Looks up the topic and its start offsets.
    ///
    /// # Errors
    /// When no broker responds, or the topic does not exist.
    pub fn connect(args: &KafkaArgs, topic: &str, extent: Extent) -> Result<Self, BoxError> {
        let isolation = match extent.isolation {
            Isolation::ReadCommitted => "read_committed",
            Isolation::ReadUncommitted => "read_uncommitted",
        };
        let own = [
            // Required by the client. It neither joins the group nor commits offsets.
            ("group.id", "statefun-cli"),
            ("enable.auto.commit", "false"),
            ("isolation.level", isolation),
            ("enable.partition.eof", if extent.to_end { "true" } else { "false" }),
        ];
        let consumer: StreamConsumer<_> =
            client::config(args, &own).create_with_context(LogContext).map_err(client::client_error)?;
        let partitions = client::partitions(consumer.client(), topic, &args.brokers)?;
        let mut start = TopicPartitionList::new();
        for partition in &partitions {
            // `Offset::End` would be resolved with the first fetch, some time after "receiving" is printed.
            let offset = match extent.from_beginning {
                true => Offset::Beginning,
                false => Offset::Offset(consumer.fetch_watermarks(topic, *partition, TIMEOUT)?.1),
            };
            start.add_partition_offset(topic, *partition, offset)?;
        }
        consumer.assign(&start)?;
        Ok(Self { consumer, before_end: extent.to_end.then(|| partitions.into_iter().collect()) })
    }
}

impl Source for Consumer {
    async fn next(&mut self) -> Result<Option<Received>, BoxError> {
        loop {
            if self.before_end.as_ref().is_some_and(BTreeSet::is_empty) {
                return Ok(None);
            }
            match self.consumer.recv().await {
                Ok(message) => return Ok(Some(received(&message))),
                Err(KafkaError::PartitionEOF(partition)) => {
                    self.before_end.iter_mut().for_each(|partitions| {
                        partitions.remove(&partition);
                    });
                }
                // The client has logged these errors and retries.
                Err(KafkaError::MessageConsumption(AllBrokersDown | BrokerTransportFailure | Resolve)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn received(message: &BorrowedMessage<'_>) -> Received {
    Received {
        position: Position::Kafka {
            topic: message.topic().to_owned(),
            partition: message.partition(),
            offset: message.offset(),
        },
        key: message.key().map(Into::into),
        value: message.payload().map(Into::into),
    }
}
