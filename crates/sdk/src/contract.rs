use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{Deserializer, Error as _};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use crate::{
    Connector, DeadLetter, Destination, Expiration, FailurePolicy, Ingress, RegisteredFunction, Registry,
    StateDeclaration, TypeName, UnexpectedTypePolicy,
};

/// The version of the JSON.
const FORMAT: u32 = 2;

/// What the functions of a process declare, as data: what a module.yaml has to name, and what a running job holds on to.
///
/// Its JSON is what a server of `statefun-http` returns at `GET /` and what `statefun contract` prints; everything is
/// ordered by name, so the same functions make the same text.
///
/// ```
/// # use statefun_sdk::{Context, Contract, Function, FunctionError, Registry, TypeName};
/// # async fn greet(_: &mut Context, _: String) -> Result<(), FunctionError> { Ok(()) }
/// let registry = Registry::builder().function(Function::new("demo/greeter").on(greet)).build()?;
/// let contract = Contract::of(&registry);
/// assert!(contract.functions[&TypeName::new("demo/greeter")].accepts.contains(&TypeName::new("io.statefun.types/string")));
/// assert_eq!(Contract::from_json(contract.to_json().as_bytes())?, contract);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Contract {
    #[serde(deserialize_with = "this_format")]
    format: u32,
    /// The functions.
    pub functions: BTreeMap<TypeName, FunctionContract>,
    /// The ingresses, by id.
    pub ingresses: BTreeMap<TypeName, IngressContract>,
}

/// What one function declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FunctionContract {
    /// Its states, by name.
    pub states: BTreeMap<String, StateContract>,
    /// The types of messages that it handles; empty where it handles any.
    pub accepts: BTreeSet<TypeName>,
    /// The function types that it sends to.
    pub targets: BTreeSet<TypeName>,
    /// The types of the messages that it sends, by target, where they are declared.
    #[serde(default)]
    pub sends: BTreeMap<TypeName, BTreeSet<TypeName>>,
    /// Whether it replies to senders.
    pub replies: bool,
    /// The egresses that it emits to, that of its dead letters included; `None` where it did not declare whether its records
    /// are of Kafka or of Kinesis.
    pub egresses: BTreeMap<TypeName, Option<Connector>>,
    /// What becomes of poison.
    pub on_failure: FailureContract,
    /// What becomes of messages of a type that it does not read.
    #[serde(default)]
    pub on_unexpected_type: UnexpectedTypePolicy,
}

/// What a state declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StateContract {
    /// The type of its values.
    #[serde(rename = "type")]
    pub type_name: TypeName,
    /// When its values expire; `None` where they never do.
    pub expiration: Option<ExpirationContract>,
}

/// When a value expires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExpirationContract {
    /// What starts the time to live.
    pub after: ExpirationMode,
    /// The time to live.
    pub milliseconds: u64,
}

/// What starts the time to live of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExpirationMode {
    /// The last write of the value.
    Write,
    /// The last call of the function.
    Call,
}

/// What becomes of poison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "policy", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FailureContract {
    /// See [`FailurePolicy::Fail`].
    Fail,
    /// See [`FailurePolicy::DeadLetter`].
    DeadLetter {
        /// The egress of the dead letters.
        egress: TypeName,
        /// Their topic or stream.
        #[serde(serialize_with = "as_text", deserialize_with = "from_text")]
        destination: Destination,
    },
}

/// An ingress, which its id names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct IngressContract {
    /// The topic or stream.
    pub topic: String,
    /// The type of the messages.
    #[serde(rename = "type")]
    pub value_type: TypeName,
    /// The function type that receives them.
    pub target: TypeName,
}

impl Contract {
    /// The contract of the functions and ingresses of a registry.
    pub fn of(registry: &Registry) -> Self {
        let functions = registry.functions().iter();
        let ingresses = registry.ingresses().iter();
        Self {
            format: FORMAT,
            functions: functions
                .map(|function| (function.type_name().clone(), FunctionContract::of(function)))
                .collect(),
            ingresses: ingresses.map(|ingress| (ingress.id().clone(), IngressContract::of(ingress))).collect(),
        }
    }

    /// Reads a contract that a server returned or another release printed.
    ///
    /// # Errors
    /// When the JSON is not a contract, or one of another format.
    pub fn from_json(json: &[u8]) -> Result<Self, InvalidContract> {
        // serde_json also deserializes a struct from an array.
        if !json.trim_ascii_start().starts_with(b"{") {
            return Err(InvalidContract("not a JSON object".to_owned()));
        }
        serde_json::from_slice(json).map_err(|error| InvalidContract(error.to_string()))
    }

    /// The contract as JSON, indented.
    pub fn to_json(&self) -> String {
        // Only a key that is no string, or a failing writer, is an error of serde_json.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

impl FunctionContract {
    fn of(function: &RegisteredFunction) -> Self {
        let egresses = function.egresses();
        Self {
            states: function.states().iter().map(|state| (state.name().to_owned(), StateContract::of(state))).collect(),
            accepts: function.accepts().iter().cloned().collect(),
            targets: function.targets().cloned().collect(),
            sends: function
                .targets()
                .map(|target| (target.clone(), function.messages_to(target).iter().cloned().collect()))
                .filter(|(_, messages): &(_, BTreeSet<TypeName>)| !messages.is_empty())
                .collect(),
            replies: function.replies(),
            egresses: egresses.map(|egress| (egress.id().clone(), function.connector_of(egress))).collect(),
            on_failure: FailureContract::of(function.on_failure()),
            on_unexpected_type: function.on_unexpected_type(),
        }
    }
}

impl StateContract {
    fn of(state: &StateDeclaration) -> Self {
        let after = |after, time: Duration| ExpirationContract {
            after,
            milliseconds: u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
        };
        let expiration = match state.expiration() {
            Expiration::None => None,
            Expiration::AfterWrite(time) => Some(after(ExpirationMode::Write, time)),
            Expiration::AfterCall(time) => Some(after(ExpirationMode::Call, time)),
        };
        Self { type_name: state.type_name().clone(), expiration }
    }
}

impl FailureContract {
    fn of(policy: &FailurePolicy) -> Self {
        match policy.dead_letter().map(|to: &DeadLetter| (to.egress().id().clone(), to.destination().clone())) {
            None => Self::Fail,
            Some((egress, destination)) => Self::DeadLetter { egress, destination },
        }
    }
}

impl IngressContract {
    fn of(ingress: &Ingress) -> Self {
        Self {
            topic: ingress.topic().to_owned(),
            value_type: ingress.value_type().clone(),
            target: ingress.target().clone(),
        }
    }
}

/// `5000 ms after the last write`.
impl fmt::Display for ExpirationContract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let after = match self.after {
            ExpirationMode::Write => "write",
            ExpirationMode::Call => "call",
        };
        write!(f, "{} ms after the last {after}", self.milliseconds)
    }
}

/// Error reading a [`Contract`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidContract(String);

impl fmt::Display for InvalidContract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a contract of functions: {}; expected what a server returns at GET /", self.0)
    }
}

impl std::error::Error for InvalidContract {}

/// The format is the first field, so another one is told before what it changed.
fn this_format<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        FORMAT => Ok(FORMAT),
        other => Err(D::Error::custom(format!(
            "format {other}, and this release reads format {FORMAT}: have that release's functions printed anew by this one"
        ))),
    }
}

fn as_text<T: fmt::Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn from_text<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

impl Serialize for TypeName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        as_text(self, serializer)
    }
}

impl<'de> Deserialize<'de> for TypeName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer)
    }
}

impl Serialize for Connector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        as_text(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Connector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer)
    }
}
