use std::fmt;

use bytes::Bytes;
use bytestring::ByteString;
use serde::Deserialize;

use crate::protocol::reqreply;
use crate::{Decode, Proto, TypeError, Typed, TypedValue};

/// What a function was sent: bytes with the name of their type.
///
/// The readers check the name first, so that a message of another type is an error that names both, and never decodes
/// to something else. The bytes are a slice of the request: nothing is copied until it is decoded.
#[derive(Clone)]
pub struct Message {
    type_name: ByteString,
    /// `None` where the sender sent "no value", which is not the same as an empty one.
    value: Option<Bytes>,
}

impl Message {
    /// Returns `None` where the type name is not UTF-8.
    pub(crate) fn from_wire(argument: Option<reqreply::TypedValue>) -> Option<Self> {
        let argument = argument.unwrap_or_default();
        Some(Self {
            type_name: argument.typename.try_into().ok()?,
            value: argument.has_value.then_some(argument.value),
        })
    }

    /// The name of the message's type, as it came.
    pub fn type_name(&self) -> &str {
        &self.type_name
    }

    /// Whether the message is of the type `T`.
    pub fn is<T: Typed>(&self) -> bool {
        *self.type_name == *T::TYPE_NAME.as_str()
    }

    /// Whether the sender sent "no value".
    pub fn is_unset(&self) -> bool {
        self.value.is_none()
    }

    /// The bytes as they came; none where the message is unset.
    pub fn raw(&self) -> &Bytes {
        static NOTHING: Bytes = Bytes::new();
        self.value.as_ref().unwrap_or(&NOTHING)
    }

    /// Reads the message as a `T`.
    ///
    /// # Errors
    /// When the message is of another type, is unset, or does not hold a `T`.
    pub fn as_<T: Decode + Typed>(&self) -> Result<T, TypeError> {
        T::decode(self.checked::<T>()?).map_err(|error| error.within(&self.type_name))
    }

    /// Reads the message as the JSON of a `T`, which may borrow from the message.
    ///
    /// # Errors
    /// As [`as_`](Self::as_).
    pub fn json<'a, T: Typed + Deserialize<'a>>(&'a self) -> Result<T, TypeError> {
        serde_json::from_slice(self.checked::<T>()?).map_err(|error| TypeError::json(&error).within(&self.type_name))
    }

    /// Reads the message as the protobuf encoding of a `T`.
    ///
    /// # Errors
    /// As [`as_`](Self::as_).
    pub fn proto<T: Typed + prost::Message + Default>(&self) -> Result<T, TypeError> {
        self.as_::<Proto<T>>().map(|Proto(message)| message)
    }

    fn checked<T: Typed>(&self) -> Result<&Bytes, TypeError> {
        if !self.is::<T>() {
            return Err(TypeError::new(format!("a message of type {}, expected {}", self.type_name, T::TYPE_NAME)));
        }
        self.value
            .as_ref()
            .ok_or_else(|| TypeError::new(format!("a message of type {} without a value", self.type_name)))
    }
}

/// Passes a message on: its bytes as they came.
impl From<&Message> for TypedValue {
    fn from(message: &Message) -> Self {
        Self::raw(message.type_name.clone(), message.raw().clone())
    }
}

/// Shows the type and the length, not the value: values do not belong in logs.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "Message({}, {} bytes)", self.type_name, value.len()),
            None => write!(f, "Message({}, unset)", self.type_name),
        }
    }
}
