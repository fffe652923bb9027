//! The promises as JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use statefun_sdk::{Expiration, RegisteredFunction, Registry};

/// The form of the JSON; another number for another form.
const FORMAT: u32 = 1;

/// All functions of a release, in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contract {
    format: u32,
    /// What each function promises, by its name.
    pub functions: BTreeMap<String, FunctionContract>,
}

/// What one function promises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionContract {
    /// Its states, by name.
    pub states: BTreeMap<String, StateContract>,
    /// The types of messages that it reads; of any type where there are none.
    pub accepts: BTreeSet<String>,
    /// The functions that it sends to.
    pub targets: BTreeSet<String>,
    /// The egresses that it emits to, that of dead letters included.
    pub egresses: BTreeSet<String>,
}

/// What a function promises of a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateContract {
    /// The type of its values.
    #[serde(rename = "type")]
    pub type_name: String,
    /// When a value goes by itself; never where there is none.
    pub expiration: Option<ExpirationContract>,
}

/// When a value goes by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpirationContract {
    /// What the time begins with.
    pub after: ExpirationMode,
    /// The time.
    pub milliseconds: u64,
}

/// What the time of an expiration begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExpirationMode {
    /// With the last write of the value.
    Write,
    /// With the last call of the function.
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
    /// What the functions of a registry promise.
    pub fn of(registry: &Registry) -> Self {
        let functions = registry.functions().iter();
        let functions = functions.map(|function| (function.type_name().to_string(), FunctionContract::of(function)));
        Self { format: FORMAT, functions: functions.collect() }
    }

    /// Reads what another release printed.
    ///
    /// # Errors
    /// When it is something else, or of another form.
    pub fn from_json(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Form {
            format: u32,
        }

        let expected = "expected what `statefun-server contract` prints";
        let form: Form = serde_json::from_str(text).map_err(|error| format!("{error}; {expected}"))?;
        if form.format != FORMAT {
            return Err(format!("form {} is not known to this release, which knows {FORMAT}", form.format));
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
            egresses: function.egresses().iter().map(ToString::to_string).collect(),
        }
    }
}
