//! Records that the Kinesis Producer Library put together into one; the runtime's egress writes through that library.
//!
//! Four bytes that say so, a protobuf message, and its MD5 sum.

use md5::{Digest, Md5};
use prost::Message;

const MAGIC: [u8; 4] = [0xf3, 0x89, 0x9a, 0xc2];
const SUM: usize = 16;

#[derive(Message)]
struct Aggregate {
    #[prost(string, repeated, tag = "1")]
    keys: Vec<String>,
    #[prost(message, repeated, tag = "3")]
    records: Vec<Entry>,
}

#[derive(Message)]
struct Entry {
    #[prost(uint64, tag = "1")]
    key: u64,
    #[prost(bytes = "vec", tag = "3")]
    data: Vec<u8>,
}

/// Keys and values of the records in one; `None` where it is a record of its own.
pub(super) fn split(data: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
    let rest = data.strip_prefix(&MAGIC)?;
    let (message, sum) = rest.split_at_checked(rest.len().checked_sub(SUM)?)?;
    if Md5::digest(message).as_slice() != sum {
        return None;
    }
    let Aggregate { keys, records } = Aggregate::decode(message).ok()?;
    records
        .into_iter()
        .map(|record| Some((keys.get(usize::try_from(record.key).ok()?)?.clone(), record.data)))
        .collect()
}
