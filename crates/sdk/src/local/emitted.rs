use std::fmt;

use bytes::Bytes;
use prost::Message as _;

use crate::egress::{KAFKA, KINESIS};
use crate::protocol::{egress, reqreply};
use crate::{TypeName, TypedValue};

/// A record that a function emitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emitted {
    /// The egress.
    pub egress: TypeName,
    /// What it was given.
    pub record: EmittedRecord,
}

/// A record as its egress understands it.
#[derive(Clone, PartialEq, Eq)]
pub enum EmittedRecord {
    /// For an egress to Kafka.
    Kafka {
        /// The topic.
        topic: String,
        /// The key; empty for a record without one.
        key: String,
        /// The value.
        value: Bytes,
    },
    /// For an egress to Kinesis.
    Kinesis {
        /// The stream.
        stream: String,
        /// The partition key.
        partition_key: String,
        /// The explicit hash key; empty where there is none.
        explicit_hash_key: String,
        /// The data.
        value: Bytes,
    },
    /// For an egress of another kind.
    Other(TypedValue),
}

impl EmittedRecord {
    /// The record's key or partition key; empty for other kinds.
    pub fn key(&self) -> &str {
        match self {
            Self::Kafka { key, .. } => key,
            Self::Kinesis { partition_key, .. } => partition_key,
            Self::Other(_) => "",
        }
    }

    /// The record's value.
    pub fn value(&self) -> &Bytes {
        match self {
            Self::Kafka { value, .. } | Self::Kinesis { value, .. } => value,
            Self::Other(value) => value.value(),
        }
    }

    /// Reads what a function gave to an egress.
    ///
    /// # Errors
    /// When the record is not what its type name says.
    pub(super) fn from_wire(argument: reqreply::TypedValue) -> Result<Self, String> {
        let broken = |error: &dyn fmt::Display| error.to_string();
        let text = |bytes: Bytes| String::from_utf8(bytes.into()).map_err(|error| broken(&error));
        if argument.typename == KAFKA.as_bytes() {
            let record = egress::KafkaProducerRecord::decode(argument.value).map_err(|error| broken(&error))?;
            Ok(Self::Kafka { topic: text(record.topic)?, key: text(record.key)?, value: record.value_bytes.into() })
        } else if argument.typename == KINESIS.as_bytes() {
            let record = egress::KinesisEgressRecord::decode(argument.value).map_err(|error| broken(&error))?;
            Ok(Self::Kinesis {
                stream: text(record.stream)?,
                partition_key: text(record.partition_key)?,
                explicit_hash_key: text(record.explicit_hash_key)?,
                value: record.value_bytes.into(),
            })
        } else {
            let value = TypedValue::from_wire(Some(argument));
            value.map(Self::Other).ok_or_else(|| "its type name is not UTF-8".to_owned())
        }
    }
}

/// Shows values as text where they are text: this is for the messages of failed tests.
impl fmt::Debug for EmittedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = String::from_utf8_lossy(self.value());
        match self {
            Self::Kafka { topic, key, .. } => write!(f, "Kafka(topic {topic}, key {key:?}: {value})"),
            Self::Kinesis { stream, partition_key, .. } => {
                write!(f, "Kinesis(stream {stream}, partition key {partition_key:?}: {value})")
            }
            Self::Other(typed) => write!(f, "{}({value})", typed.type_name()),
        }
    }
}
