//! Functions as the runtime sees them: bytes in, bytes out.

mod dead_letter_budget;
mod dead_letters;
mod declarations;
mod effects;
mod failures;
mod generated_proto;
mod handlers;
mod limits;
#[cfg(feature = "local")]
mod local;
mod requests;
mod states;
mod support;
mod types;
