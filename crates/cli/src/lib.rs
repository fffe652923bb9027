//! Sends events to the ingresses of a StateFun cluster and receives records from its egresses.
//!
//! The binary `statefun` is the command line of this crate.
//!
//! # Layout
//!
//! | module | contents |
//! |---|---|
//! | [`cli`] | the commands and their exit codes |
//! | [`send`] | sends the lines of a file to a topic or stream, with [`lines`], [`directive`], [`key`], [`schedule`] and [`progress`] |
//! | [`receive`] | prints a topic or stream as lines of JSON; [`received`] is a record |
//! | [`simulate`] | the options of `simulate`; behind the feature of the same name, what sends generated payments to fraud detection and prints its alerts |
//! | [`completions`] | prints the scripts with which shells complete the command line |
//! | [`sink`] | the trait of a record producer, and the deliveries of its records |
//! | [`kafka`], [`kinesis`] | the options of each, and its client behind the feature of the same name |

pub mod cli;
pub mod completions;
pub mod directive;
pub mod kafka;
pub mod key;
pub mod kinesis;
pub mod lines;
pub mod progress;
pub mod receive;
pub mod received;
pub mod schedule;
pub mod send;
pub mod simulate;
pub mod sink;

/// An error of any type; its text says what to do about it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The error of a program that was built without what a command needs.
#[cfg(not(all(feature = "kafka", feature = "kinesis", feature = "simulate")))]
pub(crate) fn not_built(missing: impl std::fmt::Display, features: impl std::fmt::Display) -> BoxError {
    format!(
        "this program was built without {missing}; build one with it by \
         `cargo build --release -p statefun-cli --features {features}`"
    )
    .into()
}

/// The error of a program that was built without a client for Kafka or Kinesis.
#[cfg(not(all(feature = "kafka", feature = "kinesis")))]
pub(crate) fn no_client(connector: statefun_sdk::Connector) -> BoxError {
    not_built(format_args!("a client for {connector}"), connector)
}

/// The text of an error and its causes.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Some errors already include their cause in their text.
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}
