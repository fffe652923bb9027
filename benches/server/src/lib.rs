//! The functions of the benchmark, `bench.fns/counter` and `bench.fns/echo`, specified in `benches/kit/WORKLOAD.md`.
//!
//! | module | contents |
//! |---|---|
//! | `documents` | the JSON of events, states and records, in types that own their text |
//! | `functions` | the functions in their usual form |
//! | `borrowed` | optimized variants of the counter: events that borrow, parts of a state left raw |
//! | `wide` | a function with many or large states, to measure how cost grows |
//! | `requests` | the stored requests of the workload, for measurements without a socket |

pub mod borrowed;
pub mod documents;
pub mod functions;
pub mod requests;
pub mod wide;

use std::future::Future;
use std::pin::pin;

use futures_util::FutureExt;
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
    /// Events borrow their text from the request; the profile is the same as with owned
    Borrowed,
    /// Like borrowed, and the parts of the profile that the function does not use stay raw
    Raw,
}

/// A registry of the functions, including the one that the counter sends to.
///
/// # Errors
/// When the functions cannot be registered.
pub fn registry(documents: Documents) -> Result<Registry, RegistryError> {
    let counter: fn() -> Function = match documents {
        Documents::Owned => functions::counter,
        Documents::Borrowed => borrowed::counter,
        Documents::Raw => borrowed::raw_counter,
    };
    Registry::builder().function(counter()).function(functions::echo()).function(functions::sink()).build()
}

/// What a future gives that waits for nothing, without a runtime; `None` for another. A batch lets others run now and then: after
/// 10 ms, which is not long under Valgrind.
pub fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    (0..1000).find_map(|_| future.as_mut().now_or_never())
}
