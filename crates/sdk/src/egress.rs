use std::fmt;

use bytes::Bytes;
use bytestring::ByteString;
use prost::Message as _;

use crate::encode::{Buffers, Encode, Head, Payload, encode_to};
use crate::function_error::FunctionError;
use crate::text::Text;
use crate::typed_value::TypedValue;
use crate::typename::TypeName;
use crate::wire::{self, Slice};

// The runtime compares these to the letter (runtime: `KafkaSinkProvider`, `KinesisSinkProvider`).
pub(crate) const KAFKA: ByteString =
    ByteString::from_static("type.googleapis.com/io.statefun.sdk.egress.KafkaProducerRecord");
pub(crate) const KINESIS: ByteString =
    ByteString::from_static("type.googleapis.com/io.statefun.sdk.egress.KinesisEgressRecord");

/// An egress of the cluster: its id in module.yaml.
///
/// A function that emits to it declares it with [`Function::emits`](crate::Function::emits).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Egress(TypeName);

impl Egress {
    /// An egress that is known at compile time.
    ///
    /// # Panics
    /// When the text is not `namespace/name`. In a `const` that is a compile error.
    pub const fn new(id: &'static str) -> Self {
        Self(TypeName::new(id))
    }

    /// The egress's id.
    pub const fn id(&self) -> &TypeName {
        &self.0
    }
}

impl From<TypeName> for Egress {
    fn from(id: TypeName) -> Self {
        Self(id)
    }
}

impl fmt::Display for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What can be emitted: a record for Kafka or Kinesis, or a [`TypedValue`] for an egress of another kind. There is nothing to
/// implement.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be emitted",
    label = "not a record of an egress",
    note = "make a record of it: `KafkaRecord::topic(\"…\").key(\"…\").value_as(Json(value))`, or `KinesisRecord::stream(\"…\")`",
    note = "an egress of another kind takes a `TypedValue`"
)]
pub trait EgressRecord {
    /// Leaves the bytes in `buffers.value`.
    #[doc(hidden)]
    fn write_record(self, buffers: &mut Buffers) -> Result<Head, FunctionError>;
}

impl EgressRecord for TypedValue {
    fn write_record(self, buffers: &mut Buffers) -> Result<Head, FunctionError> {
        self.write(buffers).map_err(FunctionError::bug)
    }
}

/// A record for an egress of kind `io.statefun.kafka.v1/egress`.
///
/// ```
/// # use statefun_sdk::KafkaRecord;
/// let record = KafkaRecord::topic("greetings").key("ann").utf8("hello");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaRecord<'a, V = Bytes> {
    topic: Text<'a>,
    key: Text<'a>,
    value: V,
}

impl<'a> KafkaRecord<'a> {
    /// Begins a record for this topic.
    pub fn topic(topic: impl Into<Text<'a>>) -> KafkaRecordBuilder<'a> {
        KafkaRecordBuilder { topic: topic.into(), key: "".into() }
    }
}

/// A Kafka record that has no value yet.
#[derive(Debug, Clone)]
#[must_use]
pub struct KafkaRecordBuilder<'a> {
    topic: Text<'a>,
    key: Text<'a>,
}

impl<'a> KafkaRecordBuilder<'a> {
    /// The record's key. Without one, or with an empty one, the record has no key.
    pub fn key(mut self, key: impl Into<Text<'a>>) -> Self {
        self.key = key.into();
        self
    }

    /// A text as the record's value, as plain UTF-8.
    pub fn utf8<'t>(self, text: impl Into<Text<'t>>) -> KafkaRecord<'a> {
        self.value(ByteString::from(text.into()).into_bytes())
    }

    /// Bytes as the record's value.
    pub fn value(self, value: impl Into<Bytes>) -> KafkaRecord<'a> {
        KafkaRecord { topic: self.topic, key: self.key, value: value.into() }
    }

    /// A typed value's bytes as the record's value, such as `Json(&status)`. They are written when the record is emitted.
    pub fn value_as<V: Encode>(self, value: V) -> KafkaRecord<'a, V> {
        KafkaRecord { topic: self.topic, key: self.key, value }
    }
}

impl<V: Encode> EgressRecord for KafkaRecord<'_, V> {
    fn write_record(self, buffers: &mut Buffers) -> Result<Head, FunctionError> {
        if self.topic.is_empty() {
            return Err(FunctionError::poison("a Kafka record without a topic"));
        }
        encode_to(&mut buffers.value, &self.value).map_err(FunctionError::bug)?;
        buffers.wrap(|value_bytes, out| {
            wire::KafkaProducerRecord { key: Slice::of(&*self.key), value_bytes, topic: Slice::of(&*self.topic) }
                .encode_raw(out);
        });
        Ok(Head::of(KAFKA))
    }
}

/// A record for an egress of kind `io.statefun.kinesis.v1/egress`.
///
/// ```
/// # use statefun_sdk::KinesisRecord;
/// let record = KinesisRecord::stream("greetings").partition_key("ann").utf8("hello");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KinesisRecord<'a, V = Bytes> {
    stream: Text<'a>,
    partition_key: Text<'a>,
    explicit_hash_key: Text<'a>,
    value: V,
}

impl<'a> KinesisRecord<'a> {
    /// Begins a record for this stream.
    pub fn stream(stream: impl Into<Text<'a>>) -> KinesisRecordBuilder<'a> {
        KinesisRecordBuilder { stream: stream.into(), partition_key: "".into(), explicit_hash_key: "".into() }
    }
}

/// A Kinesis record that has no value yet.
#[derive(Debug, Clone)]
#[must_use]
pub struct KinesisRecordBuilder<'a> {
    stream: Text<'a>,
    partition_key: Text<'a>,
    explicit_hash_key: Text<'a>,
}

impl<'a> KinesisRecordBuilder<'a> {
    /// The partition key, 1 to 256 characters as Java counts them: most emoji are two. Kinesis demands one.
    pub fn partition_key(mut self, key: impl Into<Text<'a>>) -> Self {
        self.partition_key = key.into();
        self
    }

    /// Chooses the shard by this decimal number, 0 to 2^128 - 1, instead of the partition key's hash.
    pub fn explicit_hash_key(mut self, key: impl Into<Text<'a>>) -> Self {
        self.explicit_hash_key = key.into();
        self
    }

    /// A text as the record's value, as plain UTF-8.
    pub fn utf8<'t>(self, text: impl Into<Text<'t>>) -> KinesisRecord<'a> {
        self.value(ByteString::from(text.into()).into_bytes())
    }

    /// Bytes as the record's value.
    pub fn value(self, value: impl Into<Bytes>) -> KinesisRecord<'a> {
        KinesisRecord {
            stream: self.stream,
            partition_key: self.partition_key,
            explicit_hash_key: self.explicit_hash_key,
            value: value.into(),
        }
    }

    /// A typed value's bytes as the record's value, such as `Json(&status)`. They are written when the record is emitted.
    pub fn value_as<V: Encode>(self, value: V) -> KinesisRecord<'a, V> {
        KinesisRecord {
            stream: self.stream,
            partition_key: self.partition_key,
            explicit_hash_key: self.explicit_hash_key,
            value,
        }
    }
}

/// The longest partition key that the egress takes, in UTF-16 units: its producer throws at a longer one, and the job restarts
/// for ever (Kinesis Producer Library: `KinesisProducer.addUserRecord`, also for what follows).
pub(crate) const LONGEST_PARTITION_KEY: usize = 256;

/// The most that the value and the partition key of a record may hold together, in bytes.
const LARGEST_KINESIS_RECORD: usize = 1024 * 1024;

/// A shard is chosen by a number of 128 bits, written without a sign or zeros before it (Kinesis: `PutRecord`).
fn is_hash_key(text: &str) -> bool {
    text.parse().is_ok_and(|number: u128| number.to_string() == text)
}

impl<V: Encode> EgressRecord for KinesisRecord<'_, V> {
    fn write_record(self, buffers: &mut Buffers) -> Result<Head, FunctionError> {
        if self.stream.is_empty() {
            return Err(FunctionError::poison("a Kinesis record without a stream"));
        }
        let characters = self.partition_key.encode_utf16().count();
        if !(1..=LONGEST_PARTITION_KEY).contains(&characters) {
            return Err(FunctionError::poison(format!(
                "a Kinesis partition key of {characters} characters, expected 1 to {LONGEST_PARTITION_KEY}"
            )));
        }
        if !self.explicit_hash_key.is_empty() && !is_hash_key(&self.explicit_hash_key) {
            return Err(FunctionError::poison("an explicit hash key of Kinesis that is no number from 0 to 2^128 - 1"));
        }
        encode_to(&mut buffers.value, &self.value).map_err(FunctionError::bug)?;
        let size = buffers.value.len() + self.partition_key.len();
        if size > LARGEST_KINESIS_RECORD {
            return Err(FunctionError::poison(format!(
                "a Kinesis record of {size} bytes with its partition key, expected {LARGEST_KINESIS_RECORD} at most"
            )));
        }
        buffers.wrap(|value_bytes, out| {
            wire::KinesisEgressRecord {
                partition_key: Slice::of(&*self.partition_key),
                value_bytes,
                stream: Slice::of(&*self.stream),
                explicit_hash_key: Slice::of(&*self.explicit_hash_key),
            }
            .encode_raw(out);
        });
        Ok(Head::of(KINESIS))
    }
}
