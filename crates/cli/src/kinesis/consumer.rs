use std::collections::{HashSet, VecDeque};
use std::time::{Duration, SystemTime};

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::operation::get_records::GetRecordsError;
use aws_sdk_kinesis::types::{Record, ShardIteratorType};
use tokio::time::sleep;

use super::aggregate;
use super::client::{self, explain};
use crate::receive::{ReceiveArgs, Source};
use crate::received::{Position, Received};
use statefun_sdk::BoxError;

/// The pause after a round without records: a shard allows five reads per second for all readers together.
const PAUSE: Duration = Duration::from_millis(250);

/// Receives the records of all shards of a stream, including shards created by later splits.
pub struct Consumer {
    client: Client,
    stream: String,
    shards: VecDeque<Shard>,
    known: HashSet<String>,
    ready: VecDeque<Received>,
    /// The number of shards that still have to return no records before the pause.
    before_pause: usize,
    to_end: bool,
}

struct Shard {
    id: String,
    iterator: String,
    /// The start of a new iterator, should this one expire.
    place: Place,
    /// Whether the end was reached once.
    ended: bool,
}

/// The start of an iterator.
enum Place {
    Beginning,
    /// New records only.
    End,
    /// Records since this time.
    Since(SystemTime),
    /// Records after this sequence number.
    After(String),
}

impl Consumer {
    /// Looks up the shards and their start.
    ///
    /// # Errors
    /// When the stream does not exist, or Kinesis cannot be reached.
    pub async fn connect(args: &ReceiveArgs, stream: &str) -> Result<Self, BoxError> {
        let mut consumer = Self {
            client: client::connect(&args.kinesis).await,
            stream: stream.to_owned(),
            shards: VecDeque::new(),
            known: HashSet::new(),
            ready: VecDeque::new(),
            before_pause: 0,
            to_end: args.extent.to_end,
        };
        let mut page = consumer.client.list_shards().stream_name(stream);
        loop {
            let response = page.send().await.map_err(|error| explain(stream, error))?;
            for shard in response.shards.unwrap_or_default() {
                let place = if args.extent.from_beginning { Place::Beginning } else { Place::End };
                consumer.begin(shard.shard_id, place).await?;
            }
            match response.next_token {
                Some(token) => page = consumer.client.list_shards().next_token(token),
                None => return Ok(consumer),
            }
        }
    }

    async fn begin(&mut self, id: String, place: Place) -> Result<(), BoxError> {
        if self.known.insert(id.clone()) {
            let now = SystemTime::now();
            let iterator = self.iterator(&id, &place).await?;
            let place = if matches!(place, Place::End) { Place::Since(now) } else { place };
            self.shards.extend(iterator.map(|iterator| Shard { id, iterator, place, ended: false }));
        }
        Ok(())
    }

    async fn iterator(&self, id: &str, place: &Place) -> Result<Option<String>, BoxError> {
        let request = self.client.get_shard_iterator().stream_name(&self.stream).shard_id(id);
        let request = match place {
            Place::Beginning => request.shard_iterator_type(ShardIteratorType::TrimHorizon),
            Place::End => request.shard_iterator_type(ShardIteratorType::Latest),
            Place::Since(time) => request.shard_iterator_type(ShardIteratorType::AtTimestamp).timestamp((*time).into()),
            Place::After(sequence) => {
                request.shard_iterator_type(ShardIteratorType::AfterSequenceNumber).starting_sequence_number(sequence)
            }
        };
        Ok(request.send().await.map_err(|error| explain(&self.stream, error))?.shard_iterator)
    }

    /// Reads from the next shard, and moves it to the end of the queue.
    async fn read_next_shard(&mut self) -> Result<(), BoxError> {
        let Some(Shard { id, iterator, mut place, ended }) = self.shards.pop_front() else { return Ok(()) };
        let response = match self.client.get_records().shard_iterator(iterator).send().await {
            // An iterator expires after five minutes; the reader of our output may have blocked us for longer.
            Err(error) if error.as_service_error().is_some_and(GetRecordsError::is_expired_iterator_exception) => {
                let iterator = self.iterator(&id, &place).await?;
                self.shards.extend(iterator.map(|iterator| Shard { id, iterator, place, ended }));
                return Ok(());
            }
            response => response.map_err(|error| explain(&self.stream, error))?,
        };
        if let Some(last) = response.records.last() {
            place = Place::After(last.sequence_number.clone());
        }
        self.before_pause =
            if response.records.is_empty() { self.before_pause.saturating_sub(1) } else { self.shards.len() + 1 };
        for record in response.records {
            self.ready.extend(received(&self.stream, &id, record));
        }
        for child in response.child_shards.unwrap_or_default() {
            self.begin(child.shard_id, Place::Beginning).await?;
        }
        let ended = ended || response.millis_behind_latest == Some(0);
        // A shard that was split or merged has no next iterator.
        self.shards.extend(response.next_shard_iterator.map(|iterator| Shard { id, iterator, place, ended }));
        Ok(())
    }
}

impl Source for Consumer {
    async fn next(&mut self) -> Result<Option<Received>, BoxError> {
        loop {
            if let Some(record) = self.ready.pop_front() {
                return Ok(Some(record));
            }
            if self.to_end && self.shards.iter().all(|shard| shard.ended) {
                return Ok(None);
            }
            if self.before_pause == 0 {
                self.before_pause = self.shards.len();
                sleep(PAUSE).await;
            }
            self.read_next_shard().await?;
        }
    }
}

fn received(stream: &str, shard: &str, record: Record) -> Vec<Received> {
    let position = |subsequence| Position::Kinesis {
        stream: stream.to_owned(),
        shard: shard.to_owned(),
        sequence: record.sequence_number.clone(),
        subsequence,
    };
    let data = record.data.as_ref();
    match aggregate::split(data) {
        None => vec![Received {
            position: position(None),
            key: Some(record.partition_key.clone().into()),
            value: Some(data.to_vec()),
        }],
        Some(records) => {
            let part = |(index, (key, value)): (usize, (String, Vec<u8>))| Received {
                position: position(Some(index)),
                key: Some(key.into()),
                value: Some(value),
            };
            records.into_iter().enumerate().map(part).collect()
        }
    }
}
