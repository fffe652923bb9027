//! The requests of the workload and the answers they must get, as `benches/kit/payloads.py` writes them.

/// A request, and an answer that means what its answer must mean.
#[derive(Debug, Clone, Copy)]
pub struct Exchange {
    /// Its name among the files: a function and how many messages it is sent, or `fresh` where states have no value
    /// yet and `missing` where they were not sent.
    pub name: &'static str,
    /// An encoded `ToFunction`.
    pub request: &'static [u8],
    /// An encoded `FromFunction`.
    pub answer: &'static [u8],
}

macro_rules! exchange {
    ($name:literal) => {
        Exchange {
            name: $name,
            request: include_bytes!(concat!("../../payloads/", $name, ".req")),
            answer: include_bytes!(concat!("../../payloads/", $name, ".resp")),
        }
    };
}

/// The states are not there.
pub const MISSING: Exchange = exchange!("missing");
/// The states have no value.
pub const FRESH: Exchange = exchange!("fresh");
/// The counter, 1, 10 and 100 messages.
pub const COUNTER: [Exchange; 3] = [exchange!("counter_1"), exchange!("counter_10"), exchange!("counter_100")];
/// The echo, 1, 10 and 100 messages.
pub const ECHO: [Exchange; 3] = [exchange!("echo_1"), exchange!("echo_10"), exchange!("echo_100")];
