//! What records are sent to and received from.

use std::fmt;
use std::str::FromStr;

use crate::BoxError;

/// A Kafka topic or a Kinesis stream; on the command line `kafka:TOPIC` or `kinesis:STREAM`.
///
/// ```
/// use statefun_tools::channel::Channel;
///
/// assert_eq!("kafka:example-ingress".parse(), Ok(Channel::Kafka("example-ingress".into())));
/// assert!("example-ingress".parse::<Channel>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Channel {
    /// A topic.
    Kafka(String),
    /// A stream.
    Kinesis(String),
}

impl Channel {
    /// The error of a program that was built without a client for this channel.
    pub fn not_built(&self) -> BoxError {
        let (name, feature) = match self {
            Self::Kafka(_) => ("Kafka", "kafka"),
            Self::Kinesis(_) => ("Kinesis", "kinesis"),
        };
        format!(
            "{self}: this program was built without {name}; build one with it by \
             `cargo build --release -p statefun-tools --features {feature}`"
        )
        .into()
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kafka(topic) => write!(f, "kafka:{topic}"),
            Self::Kinesis(stream) => write!(f, "kinesis:{stream}"),
        }
    }
}

impl FromStr for Channel {
    type Err = InvalidChannel;

    fn from_str(text: &str) -> Result<Self, InvalidChannel> {
        match text.split_once(':') {
            Some(("kafka", topic)) if !topic.is_empty() => Ok(Self::Kafka(topic.to_owned())),
            Some(("kinesis", stream)) if !stream.is_empty() => Ok(Self::Kinesis(stream.to_owned())),
            _ => Err(InvalidChannel),
        }
    }
}

/// A text that is no [`Channel`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidChannel;

impl fmt::Display for InvalidChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected kafka:TOPIC or kinesis:STREAM")
    }
}

impl std::error::Error for InvalidChannel {}
