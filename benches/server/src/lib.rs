//! The functions of the benchmark, `bench.fns/counter` and `bench.fns/echo`; what they have to do is in
//! `benches/kit/WORKLOAD.md`.
//!
//! | module | what lives there |
//! |---|---|
//! | `documents` | the JSON of events, states and records, in types that own their text |
//! | `functions` | the functions as their author would write them |
//! | `borrowed` | the counter with what an author can do beyond: events that borrow, parts of a state left raw |
//! | `wide` | a function of many or large states, for how cost grows |
//! | `requests` | the requests of the workload, stored, for what measures without a socket |

pub mod borrowed;
pub mod documents;
pub mod functions;
pub mod requests;
pub mod wide;

use mimalloc::MiMalloc;
use statefun_sdk::{Function, Registry, RegistryError};

/// As in `statefun-server`.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// How the counter reads its JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Documents {
    /// Whole documents, in types that own their text
    Owned,
    /// Events borrow their text from the request; the profile is as with owned
    Borrowed,
    /// As borrowed, and the parts of the profile that the function does not touch stay raw
    Raw,
}

/// The functions, and the one that the counter sends to.
///
/// # Errors
/// When they cannot be registered.
pub fn registry(documents: Documents) -> Result<Registry, RegistryError> {
    let counter: fn() -> Function = match documents {
        Documents::Owned => functions::counter,
        Documents::Borrowed => borrowed::counter,
        Documents::Raw => borrowed::raw_counter,
    };
    Registry::builder().function(counter()).function(functions::echo()).function(functions::sink()).build()
}
