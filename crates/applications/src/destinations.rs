//! Where egresses lead, which is configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use statefun_sdk::{Connector, DeadLetter, Destination, Egress, FailurePolicy, InvalidDestination};

/// The destination of each application's egresses: a Kafka topic or a Kinesis stream.
///
/// ```
/// use statefun_sdk::{Destination, Egress};
/// use statefun_applications::destinations::{Destinations, EgressSetting};
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

impl FromIterator<(Egress, Destination)> for Destinations {
    fn from_iter<T: IntoIterator<Item = (Egress, Destination)>>(destinations: T) -> Self {
        Self(destinations.into_iter().collect())
    }
}

impl Destinations {
    /// Sets the destination of an egress.
    ///
    /// # Errors
    /// When no application has an egress with this id; the error lists the known ones.
    pub fn set(&mut self, egress_id: &str, destination: Destination) -> Result<(), UnknownEgress> {
        match self.0.iter_mut().find(|(egress, _)| egress.id().as_str() == egress_id) {
            Some((_, known)) => {
                *known = destination;
                Ok(())
            }
            None => Err(UnknownEgress { egress: egress_id.to_owned(), known: self.egress_ids().collect() }),
        }
    }

    /// Sets the connector of every egress; the topics or streams keep their default names.
    pub fn set_all(&mut self, connector: Connector) {
        for destination in self.0.values_mut() {
            *destination = Destination::of(connector, destination.name());
        }
    }

    /// The destination of an egress; `None` if no application has it.
    pub fn of(&self, egress: &Egress) -> Option<&Destination> {
        self.0.get(egress)
    }

    /// All egresses and their destinations, ordered by id.
    pub fn iter(&self) -> impl Iterator<Item = (&Egress, &Destination)> {
        self.0.iter()
    }

    /// The ids of all egresses, in order.
    pub fn egress_ids(&self) -> impl Iterator<Item = String> {
        self.0.keys().map(ToString::to_string)
    }

    /// The destination of an application's own egress.
    pub(crate) fn of_own(&self, own: &ConfigurableEgress) -> Destination {
        self.of(&own.egress).cloned().unwrap_or_else(|| Destination::kafka(own.default_topic))
    }

    /// A failure policy that emits dead letters to an application's own egress.
    pub(crate) fn dead_letters_to(&self, own: &ConfigurableEgress) -> FailurePolicy {
        FailurePolicy::DeadLetter(DeadLetter::new(own.egress.clone(), self.of_own(own)))
    }
}

/// An application's egress, whose destination is configuration.
pub(crate) struct ConfigurableEgress {
    pub(crate) egress: Egress,
    /// The default name of its Kafka topic or Kinesis stream.
    pub(crate) default_topic: &'static str,
}

impl ConfigurableEgress {
    pub(crate) const fn new(egress: Egress, default_topic: &'static str) -> Self {
        Self { egress, default_topic }
    }
}

/// An egress that no application has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownEgress {
    egress: String,
    known: Vec<String>,
}

impl fmt::Display for UnknownEgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown egress {:?}: expected one of {}", self.egress, self.known.join(", "))
    }
}

impl std::error::Error for UnknownEgress {}

/// One egress and its destination, parsed from a command line option: `ID=kafka:TOPIC` or `ID=kinesis:STREAM`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EgressSetting {
    /// The id of the egress, for [`Destinations::set`].
    pub egress: String,
    /// The egress's destination.
    pub destination: Destination,
}

impl FromStr for EgressSetting {
    type Err = InvalidEgressSetting;

    fn from_str(text: &str) -> Result<Self, InvalidEgressSetting> {
        match text.split_once('=') {
            None => Err(InvalidEgressSetting::Form(text.to_owned(), "missing '='")),
            Some(("", _)) => Err(InvalidEgressSetting::Form(text.to_owned(), "empty egress id")),
            Some((egress, destination)) => {
                let destination = destination.parse().map_err(InvalidEgressSetting::Destination)?;
                Ok(Self { egress: egress.to_owned(), destination })
            }
        }
    }
}

/// Error parsing an [`EgressSetting`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvalidEgressSetting {
    /// The text, and the reason why it is invalid.
    Form(String, &'static str),
    /// The part after the `=` is not a destination.
    Destination(InvalidDestination),
}

impl fmt::Display for InvalidEgressSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(text, reason) => write!(f, "{text:?}: {reason}; expected ID=kafka:TOPIC or ID=kinesis:STREAM"),
            Self::Destination(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for InvalidEgressSetting {}
