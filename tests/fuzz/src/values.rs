//! The built-in types, JSON and protobuf.

use bytes::Bytes;
use serde_json::Value;
use statefun_sdk::protocol::reqreply::TypedValue as Wire;
use statefun_sdk::{Decode, Encode, Json, Proto, TypeName};

/// What was read is written, and reads as itself.
fn read<T: Decode + Encode>(bytes: &Bytes) {
    let Ok(value) = T::decode(bytes) else { return };
    let written = written(&value);
    let again = T::decode(&written).unwrap_or_else(|error| panic!("{written:?}: {error}"));
    // Bytes, as a NaN is not itself.
    assert_eq!(self::written(&again), written);
}

fn written(value: &impl Encode) -> Bytes {
    let mut bytes = Vec::new();
    value.encode(&mut bytes).expect("what was read can be written");
    bytes.into()
}

pub(crate) fn types(bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    read::<bool>(&bytes);
    read::<i32>(&bytes);
    read::<i64>(&bytes);
    read::<f32>(&bytes);
    read::<f64>(&bytes);
    read::<String>(&bytes);
    read::<Json<Value>>(&bytes);
    read::<Proto<Wire>>(&bytes);
}

pub(crate) fn type_names(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(name) = TypeName::parse(text.to_owned()) {
        assert_eq!(name.to_string(), text);
    }
}
