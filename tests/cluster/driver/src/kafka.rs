use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use crate::broker::{Broker, Keyed, Record};

/// Of every topic, as the broker makes them.
const PARTITIONS: i32 = 4;

/// A broker.
#[derive(Debug, Clone)]
pub(crate) struct Kafka {
    address: String,
}

/// Counts what the broker has confirmed.
#[derive(Debug, Clone, Default)]
struct Deliveries(Arc<AtomicUsize>);

impl Deliveries {
    fn delivered(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        self.0.fetch_add(usize::from(result.is_ok()), Ordering::Release);
    }
}

impl Kafka {
    pub(crate) fn at(port: &str) -> Self {
        Self { address: format!("127.0.0.1:{port}") }
    }

    /// As [`send`](Broker::send), so many a second; `sent` counts along.
    pub(crate) fn send_paced(&self, topic: &str, records: &[Keyed], per_second: f64, sent: &AtomicUsize) -> Result<()> {
        let deliveries = Deliveries::default();
        let producer: ThreadedProducer<_> = ClientConfig::new()
            .set("bootstrap.servers", &self.address)
            .set("enable.idempotence", "true")
            .set("linger.ms", "5")
            .create_with_context(deliveries.clone())?;
        let start = Instant::now();
        for (index, (key, value)) in records.iter().enumerate() {
            while start.elapsed().as_secs_f64() * per_second < index as f64 {
                sleep(Duration::from_millis(2));
            }
            let mut record = BaseRecord::to(topic).key(key).payload(value);
            while let Err((error, back)) = producer.send(record) {
                ensure!(error == KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), "{error}");
                record = back;
                sleep(Duration::from_millis(2));
            }
            sent.store(index + 1, Ordering::Release);
        }
        producer.flush(Duration::from_secs(60)).context("records to Kafka")?;
        let delivered = deliveries.delivered();
        ensure!(delivered == records.len(), "{delivered} of {} records reached {topic}", records.len());
        Ok(())
    }

    /// Reads a topic from its beginning, committed records only.
    pub(crate) fn reader(&self, topic: &str) -> Result<Reader> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.address)
            .set("group.id", "cluster-tests")
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            .set("enable.partition.eof", "true")
            .create()?;
        let mut partitions = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            partitions.add_partition_offset(topic, partition, Offset::Beginning)?;
        }
        consumer.assign(&partitions)?;
        Ok(Reader { topic: topic.to_owned(), consumer })
    }
}

impl Broker for Kafka {
    fn create(&self, names: &[&str]) -> Result<()> {
        let admin: AdminClient<DefaultClientContext> =
            ClientConfig::new().set("bootstrap.servers", &self.address).create()?;
        let topics: Vec<_> =
            names.iter().map(|name| NewTopic::new(name, PARTITIONS, TopicReplication::Fixed(1))).collect();
        let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(30)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        for result in runtime.block_on(admin.create_topics(&topics, &options))? {
            match result {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((topic, code)) => bail!("topic {topic} cannot be made: {code}"),
            }
        }
        Ok(())
    }

    fn send(&self, topic: &str, records: &[Keyed]) -> Result<()> {
        self.send_paced(topic, records, f64::INFINITY, &AtomicUsize::new(0))
    }

    fn read_all(&self, topic: &str) -> Result<Vec<Record>> {
        let reader = self.reader(topic)?;
        let end = Instant::now() + Duration::from_secs(60);
        let mut records = Vec::new();
        let mut at_end = [false; PARTITIONS as usize];
        while at_end.contains(&false) {
            ensure!(Instant::now() < end, "gave up reading topic {topic} to its end");
            match reader.next()? {
                Some(Next::Record(record)) => records.push(record),
                Some(Next::End(partition)) => at_end[usize::try_from(partition)?] = true,
                None => {}
            }
        }
        Ok(records)
    }
}

enum Next {
    Record(Record),
    End(i32),
}

/// Reads a topic on and on.
pub(crate) struct Reader {
    topic: String,
    consumer: BaseConsumer,
}

impl Reader {
    /// Reads until `enough` says so of a record.
    pub(crate) fn read_until(
        &self,
        what: &str,
        limit: Duration,
        mut enough: impl FnMut(Record) -> Result<bool>,
    ) -> Result<()> {
        let end = Instant::now() + limit;
        let mut read = 0;
        let mut last = None;
        loop {
            if let Some(Next::Record(record)) = self.next()? {
                read += 1;
                last = Some(format!("{}: {}", record.key, String::from_utf8_lossy(&record.value)));
                if enough(record)? {
                    return Ok(());
                }
            }
            ensure!(
                Instant::now() < end,
                "gave up waiting for {what} in topic {} after {limit:?} and {read} records; the last: {last:?}",
                self.topic
            );
        }
    }

    fn next(&self) -> Result<Option<Next>> {
        match self.consumer.poll(Duration::from_millis(100)) {
            None => Ok(None),
            Some(Err(KafkaError::PartitionEOF(partition))) => Ok(Some(Next::End(partition))),
            Some(Err(error)) => Err(error).with_context(|| format!("reading topic {}", self.topic)),
            Some(Ok(message)) => {
                let key = String::from_utf8(message.key().unwrap_or_default().to_vec())?;
                Ok(Some(Next::Record(Record { key, value: message.payload().unwrap_or_default().to_vec() })))
            }
        }
    }
}
