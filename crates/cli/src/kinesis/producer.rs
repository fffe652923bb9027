use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::KinesisArgs;
use super::batch::Batch;
use super::client::{self, explain};
use crate::sink::{Deliveries, Record, Sink};
use statefun_sdk::BoxError;

/// The most records that wait for the next request.
const QUEUE: usize = 1_000;

/// After this time a record that the service keeps rejecting fails.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The backoff before the first retry of rejected records. It doubles for each further retry, up to the maximum.
const MIN_BACKOFF: Duration = Duration::from_millis(100);
const MAX_BACKOFF: Duration = Duration::from_secs(3);

/// The service's limit for keys, in characters.
const MAX_KEY: usize = 256;

/// Sends records to a stream: one request at a time, with all records queued in the meantime.
pub struct Producer {
    queue: mpsc::Sender<Record>,
    requests: JoinHandle<()>,
}

impl Producer {
    /// Starts the producer. A missing stream is only detected with the first record.
    pub async fn connect(args: &KinesisArgs, stream: &str, deliveries: Deliveries) -> Self {
        let (queue, records) = mpsc::channel(QUEUE);
        let requests = Requests { client: client::connect(args).await, stream: stream.to_owned(), deliveries };
        Self { queue, requests: tokio::spawn(requests.run(records)) }
    }
}

impl Sink for Producer {
    async fn send(&mut self, record: Record) -> Result<(), BoxError> {
        let length = record.key.chars().count();
        if length == 0 || length > MAX_KEY {
            return Err(format!("a key of {length} characters; Kinesis accepts 1 to {MAX_KEY}").into());
        }
        Ok(self.queue.send(record).await?)
    }

    async fn finish(self) {
        drop(self.queue);
        // The task ends with the queue, and does not panic.
        let _ = self.requests.await;
    }
}

struct Requests {
    client: Client,
    stream: String,
    deliveries: Deliveries,
}

impl Requests {
    async fn run(self, mut records: mpsc::Receiver<Record>) {
        let mut held = None;
        loop {
            let first = match held.take() {
                Some(record) => Some(record),
                None => records.recv().await,
            };
            let Some(first) = first else { return };
            let mut batch = Batch::default();
            let mut next = Some(first);
            while let Some(record) = next {
                if let Err(record) = batch.add(record) {
                    held = Some(record);
                    break;
                }
                next = records.try_recv().ok();
            }
            self.put(batch.records).await;
        }
    }

    /// Sends until each record is either accepted or failed.
    async fn put(&self, mut records: Vec<Record>) {
        // Later records would overtake one that failed.
        if self.deliveries.failed() > 0 {
            return self.fail(&records, "not sent, as an earlier one failed");
        }
        let start = Instant::now();
        let mut backoff = MIN_BACKOFF;
        while !records.is_empty() {
            let rejections = match self.request(&records).await {
                Ok(rejections) => rejections,
                Err(reason) => return self.fail(&records, &reason),
            };
            let mut rejections = rejections.into_iter();
            let mut reason = None;
            records.retain(|_| match rejections.next().flatten() {
                Some(rejection) => {
                    reason = Some(rejection);
                    true
                }
                None => {
                    self.deliveries.confirm();
                    false
                }
            });
            if let Some(reason) = reason {
                if start.elapsed() + backoff > TIMEOUT {
                    return self.fail(&records, &reason);
                }
                sleep(backoff).await;
                backoff = MAX_BACKOFF.min(backoff * 2);
            }
        }
    }

    /// Sends one request; returns for each record the reason if it was rejected.
    async fn request(&self, records: &[Record]) -> Result<Vec<Option<String>>, String> {
        let entry = |record: &Record| {
            let data = Blob::new(record.value.as_slice());
            PutRecordsRequestEntry::builder().partition_key(&record.key).data(data).build()
        };
        let entries = records.iter().map(entry).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
        let request = self.client.put_records().stream_name(&self.stream).set_records(Some(entries));
        let response = request.send().await.map_err(|error| explain(&self.stream, error))?;
        let rejections = response.records.into_iter().map(|record| {
            let code = record.error_code?;
            Some(format!("{code}: {}", record.error_message.unwrap_or_default()))
        });
        Ok(rejections.collect())
    }

    fn fail(&self, records: &[Record], reason: &str) {
        for record in records {
            self.deliveries.fail(record.line, reason);
        }
    }
}
