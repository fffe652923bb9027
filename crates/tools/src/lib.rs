//! Events into the ingresses of a StateFun cluster, and records out of its egresses.
//!
//! The binary `statefun-tools` is a command line around this.
//!
//! # Layout
//!
//! | module | what lives there |
//! |---|---|
//! | [`cli`] | the commands, and what their exit codes mean |
//! | [`channel`] | `kafka:TOPIC` and `kinesis:STREAM` |
//! | [`send`] | lines of a file to a channel; [`lines`], [`directive`], [`key`], [`pace`] and [`progress`] are its parts |
//! | [`receive`] | a channel to lines of JSON; [`received`] is one of them |
//! | [`simulate`] | made-up payments to fraud detection, and its alerts to lines |
//! | [`sink`] | what a sender of records is, and which of them were confirmed |
//! | [`kafka`], [`kinesis`] | the options for each, and behind the feature of the same name its client |

pub mod channel;
pub mod cli;
pub mod directive;
pub mod kafka;
pub mod key;
pub mod kinesis;
pub mod lines;
pub mod pace;
pub mod progress;
pub mod receive;
pub mod received;
pub mod send;
pub mod simulate;
pub mod sink;

/// An error of any kind, with what to do about it in its text.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The text of an error and of what caused it.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Some errors repeat their cause in their own text.
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}
