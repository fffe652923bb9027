use bytes::Bytes;
use bytestring::ByteString;
use serde::Deserialize;

use crate::encode::{Buffers, Decode, Head, Payload, Typed};
use crate::protocol::reqreply;
use crate::type_error::TypeError;
use crate::typed_value::TypedValue;

/// A message as received.
///
/// The bytes are a slice of the request: nothing is copied until it is decoded. `context.send(target, &message)` passes it on
/// unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message(TypedValue);

impl Message {
    /// The name of its type, which may be any text.
    pub fn type_name(&self) -> &str {
        self.0.type_name()
    }

    pub(crate) fn type_text(&self) -> &ByteString {
        self.0.type_text()
    }

    /// Whether it is of the type `T`.
    pub fn is<T: Typed>(&self) -> bool {
        self.0.is::<T>()
    }

    /// Whether it is "no value".
    pub fn is_unset(&self) -> bool {
        self.0.is_unset()
    }

    /// Its encoded value; empty where it is unset.
    pub fn value(&self) -> &Bytes {
        self.0.value()
    }

    /// Reads it as a `T`.
    ///
    /// # Errors
    /// When it is of another type, is unset, or does not hold a `T`.
    pub fn get<T: Decode + Typed>(&self) -> Result<T, TypeError> {
        self.0.get()
    }

    /// Reads it as the JSON of a `T` that may borrow from it, as [`get`](Self::get) cannot.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn json<'a, T: Typed + Deserialize<'a>>(&'a self) -> Result<T, TypeError> {
        self.0.json()
    }

    pub(crate) fn of(type_name: ByteString, value: Option<Bytes>) -> Self {
        Self(TypedValue::of(type_name, value))
    }

    /// Returns `None` where the type name is not UTF-8.
    pub(crate) fn from_wire(argument: Option<reqreply::TypedValue>) -> Option<Self> {
        TypedValue::from_wire(argument).map(Self)
    }
}

impl Payload for &Message {
    fn write(self, buffers: &mut Buffers) -> Result<Head, TypeError> {
        (&self.0).write(buffers)
    }
}

impl Payload for Message {
    fn write(self, buffers: &mut Buffers) -> Result<Head, TypeError> {
        self.0.write(buffers)
    }
}

impl From<Message> for TypedValue {
    fn from(message: Message) -> Self {
        message.0
    }
}
