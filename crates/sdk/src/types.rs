use std::ops::{Deref, DerefMut};

use bytes::Bytes;
use prost::encoding;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::encode::{Decode, Encode, Typed};
use crate::protocol::types;
use crate::type_error::TypeError;
use crate::typename::TypeName;

macro_rules! primitive {
    ($($rust:ty, $name:literal, $wrapper:ident;)*) => {$(
        impl Typed for $rust {
            const TYPE_NAME: TypeName = TypeName::new($name);
        }

        impl Encode for $rust {
            fn encode(&self, out: &mut Vec<u8>) -> Result<(), TypeError> {
                write_message(&types::$wrapper { value: *self }, out);
                Ok(())
            }
        }

        impl Decode for $rust {
            fn decode(bytes: &Bytes) -> Result<Self, TypeError> {
                read_message::<types::$wrapper>(bytes).map(|wrapper| wrapper.value)
            }
        }
    )*};
}

// The default is encoded as no bytes, never as an explicit zero: Java's readers reject that.
primitive! {
    bool, "io.statefun.types/bool", BooleanWrapper;
    i32, "io.statefun.types/int", IntWrapper;
    i64, "io.statefun.types/long", LongWrapper;
    f32, "io.statefun.types/float", FloatWrapper;
    f64, "io.statefun.types/double", DoubleWrapper;
}

impl Typed for String {
    const TYPE_NAME: TypeName = TypeName::new("io.statefun.types/string");
}

impl Encode for String {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), TypeError> {
        self.as_str().encode(out)
    }
}

impl Decode for String {
    fn decode(bytes: &Bytes) -> Result<Self, TypeError> {
        read_message::<types::StringWrapper>(bytes).map(|wrapper| wrapper.value)
    }
}

impl Typed for str {
    const TYPE_NAME: TypeName = String::TYPE_NAME;
}

/// As `StringWrapper` is encoded, which would need a `String` of its own.
impl Encode for str {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), TypeError> {
        if !self.is_empty() {
            out.reserve(encoding::encoded_len_varint(self.len() as u64) + 1 + self.len());
            encoding::encode_key(1, encoding::WireType::LengthDelimited, out);
            encoding::encode_varint(self.len() as u64, out);
            out.extend_from_slice(self.as_bytes());
        }
        Ok(())
    }
}

/// Appends the protobuf encoding of `message` to `out`.
pub(crate) fn write_message(message: &impl prost::Message, out: &mut Vec<u8>) {
    out.reserve(message.encoded_len());
    message.encode_raw(out);
}

/// Reads a protobuf message; its `Bytes` fields are slices of `bytes`.
pub(crate) fn read_message<M: prost::Message + Default>(bytes: &Bytes) -> Result<M, TypeError> {
    M::decode(bytes.clone()).map_err(|error| TypeError::new(format!("not the protobuf message it should be: {error}")))
}

/// Bytes as they are. A state of this type is declared with [`ValueSpec::with_type`](crate::ValueSpec::with_type), as
/// the bytes alone have no type name.
impl Encode for Bytes {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), TypeError> {
        out.extend_from_slice(self);
        Ok(())
    }
}

impl Decode for Bytes {
    fn decode(bytes: &Bytes) -> Result<Self, TypeError> {
        Ok(bytes.clone())
    }
}

/// A value whose bytes are its JSON.
///
/// It dereferences to the value. For sending, `Json(&value)` does without a copy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json<T>(pub T);

impl<T: Typed> Typed for Json<T> {
    const TYPE_NAME: TypeName = T::TYPE_NAME;
}

impl<T: Serialize> Encode for Json<T> {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), TypeError> {
        write_json(&self.0, out)
    }
}

impl<T: DeserializeOwned> Decode for Json<T> {
    fn decode(bytes: &Bytes) -> Result<Self, TypeError> {
        read_json(bytes).map(Json)
    }
}

/// Appends the JSON of `value` to `out`.
pub(crate) fn write_json(value: &impl Serialize, out: &mut Vec<u8>) -> Result<(), TypeError> {
    serde_json::to_writer(out, value).map_err(|error| TypeError::json(&error))
}

/// Reads JSON that may be borrowed from.
///
/// Checking that all of it is UTF-8 at once is faster than checking string by string, as serde_json does with bytes.
pub(crate) fn read_json<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, TypeError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| TypeError::new(format!("not UTF-8, from byte {} on", error.valid_up_to())))?;
    serde_json::from_str(text).map_err(|error| TypeError::json(&error))
}

/// A value whose bytes are its protobuf encoding.
///
/// It dereferences to the message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Proto<T>(pub T);

impl<T: Typed> Typed for Proto<T> {
    const TYPE_NAME: TypeName = T::TYPE_NAME;
}

impl<T: prost::Message> Encode for Proto<T> {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), TypeError> {
        write_message(&self.0, out);
        Ok(())
    }
}

impl<T: prost::Message + Default> Decode for Proto<T> {
    fn decode(bytes: &Bytes) -> Result<Self, TypeError> {
        read_message(bytes).map(Proto)
    }
}

macro_rules! dereferences {
    ($($wrapper:ident)*) => {$(
        impl<T> Deref for $wrapper<T> {
            type Target = T;

            fn deref(&self) -> &T {
                &self.0
            }
        }

        impl<T> DerefMut for $wrapper<T> {
            fn deref_mut(&mut self) -> &mut T {
                &mut self.0
            }
        }
    )*};
}

dereferences!(Json Proto);
