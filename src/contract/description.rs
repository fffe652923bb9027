//! The contract as JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use statefun_sdk::{Expiration, RegisteredFunction, Registry};

/// The version of the JSON format.
const FORMAT: u32 = 1;

/// The contract of all functions of a release, ordered by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contract {
    format: u32,
    /// The contract of each function, by name.
    pub functions: BTreeMap<String, FunctionContract>,
}

/// The contract of one function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionContract {
    /// Its states, by name.
    pub states: BTreeMap<String, StateContract>,
    /// The message types that it accepts; empty if it accepts all types.
    pub accepts: BTreeSet<String>,
    /// The functions that it sends to.
    pub targets: BTreeSet<String>,
    /// The egresses that it emits to, including the one for dead letters.
    pub egresses: BTreeSet<String>,
}

/// The contract of a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateContract {
    /// The type of its values.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The expiration of its values; `None` if they never expire.
    pub expiration: Option<ExpirationContract>,
}

/// When a value expires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpirationContract {
    /// The event that starts the time to live.
    pub after: ExpirationMode,
    /// The time to live.
    pub milliseconds: u64,
}

/// The event that starts the time to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExpirationMode {
    /// The last write of the value.
    Write,
    /// The last call of the function.
    Call,
}

impl fmt::Display for ExpirationContract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let after = match self.after {
            ExpirationMode::Write => "write",
            ExpirationMode::Call => "call",
        };
        write!(f, "{} ms after the last {after}", self.milliseconds)
    }
}

impl Contract {
    /// The contract of the functions in a registry.
    pub fn of(registry: &Registry) -> Self {
        let functions = registry.functions().iter();
        let functions = functions.map(|function| (function.type_name().to_string(), FunctionContract::of(function)));
        Self { format: FORMAT, functions: functions.collect() }
    }

    /// Parses the contract that another release printed.
    ///
    /// # Errors
    /// When the text is not a contract, or its format is unknown.
    pub fn from_json(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }

        let expected = "expected the output of `statefun-server contract`";
        let version: Version = serde_json::from_str(text).map_err(|error| format!("{error}; {expected}"))?;
        if version.format != FORMAT {
            return Err(format!("unknown format {}; this release supports format {FORMAT}", version.format));
        }
        serde_json::from_str(text).map_err(|error| format!("{error}; {expected}"))
    }
}

impl FunctionContract {
    fn of(function: &RegisteredFunction) -> Self {
        let states = function.states().iter().map(|state| {
            let expiration = match state.expiration() {
                Expiration::None => None,
                Expiration::AfterWrite(time) => Some((ExpirationMode::Write, time)),
                Expiration::AfterCall(time) => Some((ExpirationMode::Call, time)),
            };
            let expiration = expiration.map(|(after, time)| ExpirationContract {
                after,
                milliseconds: u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
            });
            (state.name().to_owned(), StateContract { type_name: state.type_name().to_string(), expiration })
        });
        Self {
            states: states.collect(),
            accepts: function.accepts().iter().map(ToString::to_string).collect(),
            targets: function.targets().iter().map(ToString::to_string).collect(),
            egresses: function.egresses().map(ToString::to_string).collect(),
        }
    }
}
