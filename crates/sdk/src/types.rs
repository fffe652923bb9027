use std::fmt;
use std::ops::{Deref, DerefMut};

use bytes::Bytes;
use prost::encoding;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::answer::{Buffers, Head};
use crate::protocol::types;
use crate::{TypeName, TypedValue};

/// A Rust type that has a name on the wire.
///
/// ```
/// use statefun_sdk::{TypeName, Typed};
/// struct Login { user_name: String }
/// impl Typed for Login {
///     const TYPE_NAME: TypeName = TypeName::new("demo/login");
/// }
/// ```
pub trait Typed {
    /// The name that travels with every value of this type.
    const TYPE_NAME: TypeName;
}

/// Writes a value as the bytes of its type.
pub trait Encode {
    /// Appends the bytes of this value to `out`.
    ///
    /// # Errors
    /// When the value has no representation in its type.
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), TypeError>;
}

/// Reads a value from the bytes of its type.
pub trait Decode: Sized {
    /// Reads a value; `bytes` may be kept without copying them.
    ///
    /// # Errors
    /// When the bytes are no value of this type. The error never shows the bytes.
    fn decode(bytes: &Bytes) -> Result<Self, TypeError>;
}

/// What can be the type of a state: anything that is read, written and kept between awaits.
///
/// There is nothing to implement: whatever is [`Encode`] and [`Decode`] is a `Type`.
pub trait Type: Encode + Decode + Send + Sync + 'static {}

impl<T: Encode + Decode + Send + Sync + 'static> Type for T {}

/// A value that was not what its type says.
///
/// Its text names the type and what was expected, and never shows any of the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeError {
    reason: String,
    other_type: bool,
}

impl TypeError {
    /// An error of a custom type. `reason` must not show the value: it is logged.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), other_type: false }
    }

    /// A value that was read as a `T` and is of the type `found`.
    pub(crate) fn other_type<T: Typed>(found: &str) -> Self {
        Self { reason: format!("a message of type {found}, expected {}", T::TYPE_NAME), other_type: true }
    }

    /// Whether the value is of another type than it was read as, rather than broken.
    pub fn is_other_type(&self) -> bool {
        self.other_type
    }

    /// What serde_json found wrong, without the value: what was expected and where.
    pub fn json(error: &serde_json::Error) -> Self {
        Self::new(describe_json_error(error))
    }

    pub(crate) fn within(self, type_name: &str) -> Self {
        Self::new(format!("not a valid {type_name}: {}", self.reason))
    }
}

impl fmt::Display for TypeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for TypeError {}

/// Says what kind of error it is, where, and what was expected.
///
/// serde's own text quotes the offending value; what follows its last ", expected " comes from the program's types.
fn describe_json_error(error: &serde_json::Error) -> String {
    // An error of a value that was read from memory has no position, and nothing to cut off.
    let position = (error.line() > 0).then(|| format!(" (line {}, column {})", error.line(), error.column()));
    let text = error.to_string();
    let text = match text.rsplit_once(" at line ") {
        Some((head, _)) if position.is_some() => head,
        _ => &text,
    };
    let detail = if error.is_eof() {
        "the text ends too early".to_owned()
    } else if error.is_syntax() {
        "not JSON".to_owned()
    } else {
        match text.rsplit_once(", expected ") {
            Some((_, expected)) => format!("expected {expected}"),
            None if text.starts_with("missing field ") || text.starts_with("duplicate field ") => text.to_owned(),
            None => "a value that the type refuses".to_owned(),
        }
    };
    detail + &position.unwrap_or_default()
}

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

// The default of each of these is encoded as no bytes at all, never as an explicit zero: Java's readers refuse that.
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

fn write_message(message: &impl prost::Message, out: &mut Vec<u8>) {
    out.reserve(message.encoded_len());
    message.encode_raw(out);
}

fn read_message<M: prost::Message + Default>(bytes: &Bytes) -> Result<M, TypeError> {
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
        serde_json::to_writer(out, &self.0).map_err(|error| TypeError::json(&error))
    }
}

impl<T: DeserializeOwned> Decode for Json<T> {
    fn decode(bytes: &Bytes) -> Result<Self, TypeError> {
        read_json(bytes).map(Json)
    }
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

impl<T: Typed + ?Sized> Typed for &T {
    const TYPE_NAME: TypeName = T::TYPE_NAME;
}

impl<T: Encode + ?Sized> Encode for &T {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), TypeError> {
        (**self).encode(out)
    }
}

/// What can be sent: a typed value, or a [`TypedValue`] made before. There is nothing to implement.
pub trait Payload: Written {}

impl<T: Encode + Typed> Payload for T {}

impl Payload for TypedValue {}

/// What is written to the buffers as bytes of some type.
pub trait Written {
    /// Leaves the bytes in `buffers.value`.
    fn write(self, buffers: &mut Buffers) -> Result<Head, TypeError>;
}

impl<T: Encode + Typed> Written for T {
    fn write(self, buffers: &mut Buffers) -> Result<Head, TypeError> {
        let type_name = const { T::TYPE_NAME };
        encode_to(&mut buffers.value, &self).map_err(|error| error.within(type_name.as_str()))?;
        Ok(Head::of(type_name.into_text()))
    }
}

impl Written for TypedValue {
    fn write(self, buffers: &mut Buffers) -> Result<Head, TypeError> {
        buffers.value.clear();
        buffers.value.extend_from_slice(self.value());
        Ok(Head { has_value: !self.is_unset(), type_name: self.into_type_name() })
    }
}

/// Begins by clearing the buffer: a value that failed, or panicked, half-way has left its first half there.
pub(crate) fn encode_to(buffer: &mut Vec<u8>, value: &(impl Encode + ?Sized)) -> Result<(), TypeError> {
    buffer.clear();
    value.encode(buffer)
}
