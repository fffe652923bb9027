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
use crate::BoxError;
use crate::sink::{Deliveries, Record, Sink};

/// How many records wait for the next request at most.
const QUEUE: usize = 1_000;

/// After this time a record that the service keeps refusing is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// The first pause before refused records are sent again; the next ones are twice as long each, up to the longest.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// What the service takes as a key, in characters.
const LONGEST_KEY: usize = 256;

/// Sends records to a stream: one request at a time, with all that has come in the meantime.
pub struct Producer {
    queue: mpsc::Sender<Record>,
    requests: JoinHandle<()>,
}

impl Producer {
    /// Begins to send. Whether there is such a stream shows with the first record.
    pub async fn connect(args: &KinesisArgs, stream: &str, deliveries: Deliveries) -> Self {
        let (queue, records) = mpsc::channel(QUEUE);
        let requests = Requests { client: client::connect(args).await, stream: stream.to_owned(), deliveries };
        Self { queue, requests: tokio::spawn(requests.run(records)) }
    }
}

impl Sink for Producer {
    async fn send(&mut self, record: Record) -> Result<(), BoxError> {
        let length = record.key.chars().count();
        if length == 0 || length > LONGEST_KEY {
            return Err(format!("a key of {length} characters; Kinesis takes 1 to {LONGEST_KEY}").into());
        }
        Ok(self.queue.send(record).await?)
    }

    async fn finish(self) {
        drop(self.queue);
        // It ends with the queue, and does not panic.
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
                if let Err(record) = batch.take(record) {
                    held = Some(record);
                    break;
                }
                next = records.try_recv().ok();
            }
            self.put(batch.records).await;
        }
    }

    /// Sends until each record was either taken or given up.
    async fn put(&self, mut records: Vec<Record>) {
        // What follows a record that was given up would overtake it.
        if self.deliveries.failed() > 0 {
            return self.give_up(&records, "not sent after an earlier one had failed");
        }
        let start = Instant::now();
        let mut pause = PAUSE;
        while !records.is_empty() {
            let refused = match self.request(&records).await {
                Ok(refused) => refused,
                Err(reason) => return self.give_up(&records, &reason),
            };
            let mut refused = refused.into_iter();
            let mut reason = None;
            records.retain(|_| match refused.next().flatten() {
                Some(why) => {
                    reason = Some(why);
                    true
                }
                None => {
                    self.deliveries.confirm();
                    false
                }
            });
            if let Some(reason) = reason {
                if start.elapsed() + pause > PATIENCE {
                    return self.give_up(&records, &reason);
                }
                sleep(pause).await;
                pause = LONGEST_PAUSE.min(pause * 2);
            }
        }
    }

    /// Sends once; gives for each record why it was refused, if it was.
    async fn request(&self, records: &[Record]) -> Result<Vec<Option<String>>, String> {
        let entry = |record: &Record| {
            let data = Blob::new(record.value.as_slice());
            PutRecordsRequestEntry::builder().partition_key(&record.key).data(data).build()
        };
        let entries = records.iter().map(entry).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
        let request = self.client.put_records().stream_name(&self.stream).set_records(Some(entries));
        let answer = request.send().await.map_err(|error| explain(&self.stream, error))?;
        let refused = answer.records.into_iter().map(|record| {
            let code = record.error_code?;
            Some(format!("{code}: {}", record.error_message.unwrap_or_default()))
        });
        Ok(refused.collect())
    }

    fn give_up(&self, records: &[Record], reason: &str) {
        for record in records {
            self.deliveries.fail(record.line, reason);
        }
    }
}
