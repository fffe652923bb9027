use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use statefun_sdk::{DeadLetter, Destination, Egress, FailurePolicy};

use super::{APPLICATIONS, ConfigurableEgress};

/// Where the egresses of all applications lead: to a Kafka topic or a Kinesis stream each.
///
/// ```
/// use statefun_sdk::{Destination, Egress};
/// use statefun_server::functions::{Destinations, EgressSetting};
///
/// let mut destinations = Destinations::default();
/// let EgressSetting { egress, destination } = "example/egress=kinesis:carts".parse()?;
/// destinations.set(&egress, destination)?;
///
/// assert_eq!(destinations.of(&Egress::new("example/egress")), Some(&Destination::kinesis("carts")));
/// assert_eq!(destinations.of(&Egress::new("demo/greetings")), Some(&Destination::kafka("greetings")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destinations(BTreeMap<Egress, Destination>);

/// Kafka topics, named by the applications.
impl Default for Destinations {
    fn default() -> Self {
        let egresses = APPLICATIONS.iter().flat_map(|application| application.egresses);
        Self(egresses.map(|known| (known.egress.clone(), Destination::kafka(known.default_topic))).collect())
    }
}

impl Destinations {
    /// Lets an egress lead elsewhere.
    ///
    /// # Errors
    /// When no application has an egress of this id; the error names those that there are.
    pub fn set(&mut self, egress_id: &str, destination: Destination) -> Result<(), UnknownEgress> {
        match self.0.iter_mut().find(|(egress, _)| egress.id().as_str() == egress_id) {
            Some((_, known)) => {
                *known = destination;
                Ok(())
            }
            None => Err(UnknownEgress { asked: egress_id.to_owned(), known: self.egress_ids().collect() }),
        }
    }

    /// Lets every egress lead to the topic or the stream of its default name.
    pub fn set_all(&mut self, connector: Connector) {
        for destination in self.0.values_mut() {
            let (Destination::Kafka(name) | Destination::Kinesis(name)) = &*destination;
            *destination = match connector {
                Connector::Kafka => Destination::Kafka(name.clone()),
                Connector::Kinesis => Destination::Kinesis(name.clone()),
            };
        }
    }

    /// Where an egress leads; `None` where no application has it.
    pub fn of(&self, egress: &Egress) -> Option<&Destination> {
        self.0.get(egress)
    }

    /// All egresses and where they lead, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = (&Egress, &Destination)> {
        self.0.iter()
    }

    /// The ids of all egresses, in order.
    pub fn egress_ids(&self) -> impl Iterator<Item = String> {
        self.0.keys().map(ToString::to_string)
    }

    /// Where an application's own egress leads.
    pub(super) fn of_own(&self, own: &ConfigurableEgress) -> Destination {
        self.of(&own.egress).cloned().unwrap_or_else(|| Destination::kafka(own.default_topic))
    }

    /// The failure policy with an application's own egress of dead letters.
    pub(super) fn dead_letters_to(&self, own: &ConfigurableEgress) -> FailurePolicy {
        FailurePolicy::DeadLetter(DeadLetter::new(own.egress.clone(), self.of_own(own)))
    }
}

/// What brings records into the cluster and takes them out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connector {
    /// Kafka, with topics.
    Kafka,
    /// Kinesis, with streams.
    Kinesis,
}

impl From<&Destination> for Connector {
    fn from(destination: &Destination) -> Self {
        match destination {
            Destination::Kafka(_) => Self::Kafka,
            Destination::Kinesis(_) => Self::Kinesis,
        }
    }
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
    type Err = UnknownConnector;

    fn from_str(text: &str) -> Result<Self, UnknownConnector> {
        match text {
            "kafka" => Ok(Self::Kafka),
            "kinesis" => Ok(Self::Kinesis),
            _ => Err(UnknownConnector),
        }
    }
}

/// A text that names no [`Connector`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownConnector;

impl fmt::Display for UnknownConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected kafka or kinesis")
    }
}

impl std::error::Error for UnknownConnector {}

/// An egress that no application has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownEgress {
    asked: String,
    known: Vec<String>,
}

impl fmt::Display for UnknownEgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown egress {:?}: expected one of {}", self.asked, self.known.join(", "))
    }
}

impl std::error::Error for UnknownEgress {}

/// One egress and its destination as an option of the command line has them: `ID=kafka:TOPIC` or `ID=kinesis:STREAM`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EgressSetting {
    /// The id of the egress, for [`Destinations::set`].
    pub egress: String,
    /// Where it is to lead.
    pub destination: Destination,
}

impl FromStr for EgressSetting {
    type Err = InvalidEgressSetting;

    fn from_str(text: &str) -> Result<Self, InvalidEgressSetting> {
        let invalid = |reason| InvalidEgressSetting { text: text.to_owned(), reason };
        let (egress, destination) = text.split_once('=').ok_or_else(|| invalid("there is no '='"))?;
        if egress.is_empty() {
            return Err(invalid("there is nothing before the '='"));
        }
        let (kind, name) = destination.split_once(':').ok_or_else(|| invalid("there is no ':' after the '='"))?;
        let destination = match kind {
            "kafka" if is_name(name, 249) && !matches!(name, "." | "..") => Destination::kafka(name),
            "kafka" => {
                return Err(invalid("a Kafka topic is 1 to 249 letters, digits, '.', '_' or '-', and not '.' or '..'"));
            }
            "kinesis" if is_name(name, 128) => Destination::kinesis(name),
            "kinesis" => return Err(invalid("a Kinesis stream is 1 to 128 letters, digits, '.', '_' or '-'")),
            _ => return Err(invalid("the kind is neither kafka nor kinesis")),
        };
        Ok(Self { egress: egress.to_owned(), destination })
    }
}

/// Kafka and Kinesis take the same characters. A name that they refuse would fail the job at the first record.
fn is_name(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// A text that is no [`EgressSetting`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidEgressSetting {
    text: String,
    reason: &'static str,
}

impl fmt::Display for InvalidEgressSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}; expected ID=kafka:TOPIC or ID=kinesis:STREAM", self.text, self.reason)
    }
}

impl std::error::Error for InvalidEgressSetting {}
