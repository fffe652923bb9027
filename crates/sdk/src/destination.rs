use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use bytestring::ByteString;

use crate::egress::{EgressRecord, KafkaRecord, KinesisRecord};
use crate::encode::{Buffers, Head};
use crate::function_error::FunctionError;
use crate::text::Text;

/// A Kafka topic or a Kinesis stream: where an egress leads, when that is configuration. As text it is `kafka:TOPIC` or
/// `kinesis:STREAM`.
///
/// A function that emits through [`record`](Self::record) works with either.
///
/// ```
/// use statefun_sdk::{Connector, Destination};
/// let destination: Destination = "kinesis:carts".parse()?;
/// assert_eq!(destination, Destination::kinesis("carts"));
/// assert_eq!((destination.connector(), destination.name()), (Connector::Kinesis, "carts"));
/// # Ok::<(), statefun_sdk::InvalidDestination>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A Kafka topic.
    Kafka(ByteString),
    /// A Kinesis stream.
    Kinesis(ByteString),
}

impl Destination {
    /// A Kafka topic.
    pub fn kafka<'a>(topic: impl Into<Text<'a>>) -> Self {
        Self::Kafka(topic.into().into())
    }

    /// A Kinesis stream.
    pub fn kinesis<'a>(stream: impl Into<Text<'a>>) -> Self {
        Self::Kinesis(stream.into().into())
    }

    /// The topic or stream of this name.
    pub fn of<'a>(connector: Connector, name: impl Into<Text<'a>>) -> Self {
        match connector {
            Connector::Kafka => Self::kafka(name),
            Connector::Kinesis => Self::kinesis(name),
        }
    }

    /// Whether it is in Kafka or in Kinesis.
    pub fn connector(&self) -> Connector {
        match self {
            Self::Kafka(_) => Connector::Kafka,
            Self::Kinesis(_) => Connector::Kinesis,
        }
    }

    /// The name of the topic or stream.
    pub fn name(&self) -> &str {
        let (Self::Kafka(name) | Self::Kinesis(name)) = self;
        name
    }

    /// A record for this destination; `key` is the record key or the partition key.
    pub fn record<'a>(&self, key: impl Into<Text<'a>>, value: impl Into<Bytes>) -> Record {
        let key = ByteString::from(key.into());
        match self {
            Self::Kafka(topic) => Record::Kafka(KafkaRecord::topic(topic).key(key).value(value)),
            Self::Kinesis(stream) => Record::Kinesis(KinesisRecord::stream(stream).partition_key(key).value(value)),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.connector(), self.name())
    }
}

/// The name is checked: one that Kafka or Kinesis rejects would fail the job at the first record.
impl FromStr for Destination {
    type Err = InvalidDestination;

    fn from_str(text: &str) -> Result<Self, InvalidDestination> {
        let invalid = |reason| InvalidDestination { text: text.to_owned(), reason };
        let (connector, name) = text.split_once(':').ok_or_else(|| invalid("there is no ':'"))?;
        match connector.parse().map_err(|_| invalid("the kind is neither kafka nor kinesis"))? {
            Connector::Kafka if !is_name(name, 249) || matches!(name, "." | "..") => {
                Err(invalid("a Kafka topic is 1 to 249 letters, digits, '.', '_' or '-', and not '.' or '..'"))
            }
            Connector::Kinesis if !is_name(name, 128) => {
                Err(invalid("a Kinesis stream is 1 to 128 letters, digits, '.', '_' or '-'"))
            }
            connector => Ok(Self::of(connector, name)),
        }
    }
}

/// Kafka and Kinesis take the same characters.
fn is_name(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// Error parsing a [`Destination`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidDestination {
    text: String,
    reason: &'static str,
}

impl fmt::Display for InvalidDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}; expected kafka:TOPIC or kinesis:STREAM", self.text, self.reason)
    }
}

impl std::error::Error for InvalidDestination {}

/// What brings records into the cluster and takes them out of it. As text it is `kafka` or `kinesis`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connector {
    /// Kafka, with topics.
    Kafka,
    /// Kinesis, with streams.
    Kinesis,
}

impl fmt::Display for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kafka => "kafka",
            Self::Kinesis => "kinesis",
        })
    }
}

impl FromStr for Connector {
    type Err = InvalidConnector;

    fn from_str(text: &str) -> Result<Self, InvalidConnector> {
        match text {
            "kafka" => Ok(Self::Kafka),
            "kinesis" => Ok(Self::Kinesis),
            _ => Err(InvalidConnector),
        }
    }
}

/// Error parsing a [`Connector`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidConnector;

impl fmt::Display for InvalidConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected kafka or kinesis")
    }
}

impl std::error::Error for InvalidConnector {}

/// A record for a [`Destination`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// For Kafka.
    Kafka(KafkaRecord<'static>),
    /// For Kinesis.
    Kinesis(KinesisRecord<'static>),
}

impl EgressRecord for Record {
    fn write_record(self, buffers: &mut Buffers) -> Result<Head, FunctionError> {
        match self {
            Self::Kafka(record) => record.write_record(buffers),
            Self::Kinesis(record) => record.write_record(buffers),
        }
    }
}
