//! Targets: whatever bytes come, nothing panics, hangs or takes memory without bound.
//!
//! `cargo test` replays the stored inputs of `corpus`; `tests/fuzz/run` has libFuzzer look for others.
//!
//! # Layout
//!
//! | module | what reads |
//! |---|---|
//! | `request` | the handler, of arbitrary bytes and of stored requests with parts exchanged |
//! | `values` | the built-in types, JSON, protobuf, and names of types |
//! | `events` | CloudEvents of the applications, in messages and for the keys of records |
//! | `module` | the check of module.yaml |
//! | `lambda` | events of AWS Lambda |
//! | `http` | connections of HTTP/1.1, from their first byte |

mod events;
mod http;
mod lambda;
mod module;
mod request;
mod values;

use std::cell::LazyCell;
use std::future::Future;
use std::sync::{Arc, LazyLock};

use statefun_applications::fraud::{self, FakeScoringService};
use statefun_applications::{Destinations, Settings, all};
use statefun_sdk::Registry;
use tokio::runtime::{Builder, Runtime};

/// Reads an input, and panics where something is wrong.
pub type Target = fn(&[u8]);

/// All targets by their names, which are also those of the folders of their stored inputs.
pub const TARGETS: [(&str, Target); 8] = [
    ("request", request::bytes),
    ("request-changed", request::changed),
    ("values", values::types),
    ("type-names", values::type_names),
    ("events", events::cloud_events),
    ("module", module::checked),
    ("lambda", lambda::event),
    ("http", http::connection),
];

static REGISTRY: LazyLock<Arc<Registry>> = LazyLock::new(|| {
    let mut settings = Settings::default();
    // The other takes as long as a remote one.
    let scoring_service = Arc::new(FakeScoringService::quick());
    settings.set(fraud::Settings { scoring_service, ..fraud::Settings::default() });
    let functions = all(&Destinations::default(), &settings);
    Arc::new(Registry::builder().functions(functions).build().expect("a valid registry"))
});

thread_local! {
    static RUNTIME: LazyCell<Runtime> =
        LazyCell::new(|| Builder::new_current_thread().enable_all().build().expect("a runtime"));
}

/// The functions of all applications.
fn registry() -> Arc<Registry> {
    Arc::clone(&REGISTRY)
}

/// Runs a future, and what was spawned before, on the runtime of this thread.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.with(|runtime| runtime.block_on(future))
}
