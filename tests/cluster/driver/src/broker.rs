use anyhow::Result;

/// A record with its key, to be sent.
pub(crate) type Keyed = (String, Vec<u8>);

/// A record that was read.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) key: String,
    pub(crate) value: Vec<u8>,
}

/// Where the ingress reads and the egress writes: topics of Kafka, or streams of Kinesis.
pub(crate) trait Broker {
    /// Makes topics, unless they exist.
    fn create(&self, names: &[&str]) -> Result<()>;

    /// Sends records; returns once the broker has them all.
    fn send(&self, topic: &str, records: &[Keyed]) -> Result<()>;

    /// All committed records of a topic; of one key in the order in which they were written.
    fn read_all(&self, topic: &str) -> Result<Vec<Record>>;
}
