//! The commands without a broker: the program itself, and what each command does from and into memory.

mod command;
mod completions;
mod module;
mod new;
mod receive;
mod send;
#[cfg(feature = "simulate")]
mod simulate;
#[cfg(feature = "kinesis")]
mod throttling;
