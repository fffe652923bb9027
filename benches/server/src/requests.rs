//! The requests of the workload and their expected responses, written by `benches/kit/payloads.py`.

/// A request, and a response that is equivalent to the expected one.
#[derive(Debug, Clone, Copy)]
pub struct Exchange {
    /// The file name: a function and its number of messages, or `fresh` if states have no value yet and `missing` if
    /// they were not sent.
    pub name: &'static str,
    /// An encoded `ToFunction`.
    pub request: &'static [u8],
    /// An encoded `FromFunction`.
    pub response: &'static [u8],
}

macro_rules! exchange {
    ($name:literal) => {
        Exchange {
            name: $name,
            request: include_bytes!(concat!("../../payloads/", $name, ".req")),
            response: include_bytes!(concat!("../../payloads/", $name, ".resp")),
        }
    };
}

/// The request has no states.
pub const MISSING: Exchange = exchange!("missing");
/// The states have no value.
pub const FRESH: Exchange = exchange!("fresh");
/// The counter, 1, 10 and 100 messages.
pub const COUNTER: [Exchange; 3] = [exchange!("counter_1"), exchange!("counter_10"), exchange!("counter_100")];
/// The echo, 1, 10 and 100 messages.
pub const ECHO: [Exchange; 3] = [exchange!("echo_1"), exchange!("echo_10"), exchange!("echo_100")];
