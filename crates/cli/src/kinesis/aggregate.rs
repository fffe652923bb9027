//! Records aggregated by the Kinesis Producer Library, which the runtime's egress uses.
//!
//! The format is four magic bytes, a protobuf message, and its MD5 checksum.

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

/// Splits an aggregated record into keys and values; `None` if the record is not aggregated.
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

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// The output of the aggregator of PyPI's `aws_kinesis_agg` 1.2 for the records below.
    const THREE: &str = "84mawgoGY2FydC0xCgZjYXJ0LTISBTEyMzQ1GgsIABoHeyJuIjoxfRoLCAEaB3sibiI6Mn0aCAgAEAAaAgD/pckJe852CClWtcdP\
                         Un0K5g==";

    fn three() -> Vec<u8> {
        STANDARD.decode(THREE).expect("base64")
    }

    #[test]
    fn an_aggregated_record_is_split() {
        let expected = [("cart-1", b"{\"n\":1}".as_slice()), ("cart-2", b"{\"n\":2}"), ("cart-1", b"\x00\xff")];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_vec()));
        assert_eq!(split(&three()), Some(expected.into()));
    }

    #[test]
    fn any_other_record_is_not_split() {
        let mut changed = three();
        changed[10] ^= 1;
        for data in [b"".as_slice(), b"{\"n\":1}", &MAGIC, &three()[..30], &three()[1..], &changed] {
            assert_eq!(split(data), None);
        }
    }
}
