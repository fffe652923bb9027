use std::io::{self, Read};

use statefun_sdk::{BoxError, Contract};

/// The largest contract, in bytes: one of tens of thousands of functions.
const LARGEST_CONTRACT: usize = 16 * 1024 * 1024;

/// Reads at most a byte more than `limit`, which is enough to know that there is more.
pub(super) fn bounded(source: impl Read, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a contract as JSON.
///
/// # Errors
/// When the source cannot be read, is larger than 16 MiB, or is not a contract.
pub fn read_contract(source: impl Read) -> Result<Contract, BoxError> {
    let json = bounded(source, LARGEST_CONTRACT)?;
    if json.len() > LARGEST_CONTRACT {
        return Err(format!("more than {LARGEST_CONTRACT} bytes: not a contract").into());
    }
    Ok(Contract::from_json(&json)?)
}
