use std::fmt;

use bytes::Bytes;
use bytestring::ByteString;
use serde::Deserialize;

use crate::encode::{Buffers, Decode, Encode, Head, Payload, Typed};
use crate::protocol::reqreply;
use crate::text::Text;
use crate::type_error::TypeError;
use crate::types::read_json;

/// Bytes with the name of their type, as they travel.
///
/// Made by [`new`](Self::new) from a typed value, or by [`from_bytes`](Self::from_bytes) from bytes in whatever format. Reading
/// checks the name first, so that a value of another type is an error that names both.
#[derive(Clone, PartialEq, Eq)]
pub struct TypedValue {
    type_name: ByteString,
    /// `None` for "no value", which is not the same as an empty one.
    value: Option<Bytes>,
}

impl TypedValue {
    /// Encodes a typed value.
    ///
    /// # Errors
    /// When the value has no representation in its type.
    pub fn new<T: Encode + Typed>(value: T) -> Result<Self, TypeError> {
        let mut buffers = Buffers::default();
        let head = value.write(&mut buffers)?;
        Ok(Self { type_name: head.type_name, value: Some(buffers.value.into()) })
    }

    /// Bytes that are already in the format of the type `type_name`.
    ///
    /// An ingress may be configured with any text as `valueType`, so any text is taken.
    pub fn from_bytes<'a>(type_name: impl Into<Text<'a>>, value: impl Into<Bytes>) -> Self {
        Self { type_name: type_name.into().into(), value: Some(value.into()) }
    }

    /// "No value" of the type `type_name`.
    pub fn unset<'a>(type_name: impl Into<Text<'a>>) -> Self {
        Self { type_name: type_name.into().into(), value: None }
    }

    /// The name of the type, as received.
    pub fn type_name(&self) -> &str {
        &self.type_name
    }

    pub(crate) fn of(type_name: ByteString, value: Option<Bytes>) -> Self {
        Self { type_name, value }
    }

    pub(crate) fn type_text(&self) -> &ByteString {
        &self.type_name
    }

    /// Whether the value is of the type `T`.
    pub fn is<T: Typed>(&self) -> bool {
        *self.type_name == *T::TYPE_NAME.as_str()
    }

    /// Whether it is "no value".
    pub fn is_unset(&self) -> bool {
        self.value.is_none()
    }

    /// The encoded value; empty where it is unset.
    pub fn value(&self) -> &Bytes {
        static NOTHING: Bytes = Bytes::new();
        self.value.as_ref().unwrap_or(&NOTHING)
    }

    /// Reads it as a `T`.
    ///
    /// # Errors
    /// When it is of another type, is unset, or does not hold a `T`.
    pub fn get<T: Decode + Typed>(&self) -> Result<T, TypeError> {
        T::decode(self.checked::<T>()?).map_err(|error| error.within(&self.type_name))
    }

    /// Reads it as the JSON of a `T` that may borrow from it, as [`get`](Self::get) cannot.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn json<'a, T: Typed + Deserialize<'a>>(&'a self) -> Result<T, TypeError> {
        read_json(self.checked::<T>()?).map_err(|error| error.within(&self.type_name))
    }

    fn checked<T: Typed>(&self) -> Result<&Bytes, TypeError> {
        if !self.is::<T>() {
            return Err(TypeError::new(format!("a value of type {}, expected {}", self.type_name, T::TYPE_NAME)));
        }
        self.value.as_ref().ok_or_else(|| TypeError::new(format!("a value of type {} that is unset", self.type_name)))
    }

    /// Returns `None` where the type name is not UTF-8.
    pub(crate) fn from_wire(value: Option<reqreply::TypedValue>) -> Option<Self> {
        let value = value.unwrap_or_default();
        Some(Self { type_name: value.typename.try_into().ok()?, value: value.has_value.then_some(value.value) })
    }

    #[cfg(feature = "local")]
    pub(crate) fn into_wire(self) -> reqreply::TypedValue {
        reqreply::TypedValue {
            typename: self.type_name.into_bytes(),
            has_value: self.value.is_some(),
            value: self.value.unwrap_or_default(),
        }
    }
}

impl Payload for &TypedValue {
    fn write(self, buffers: &mut Buffers) -> Result<Head, TypeError> {
        buffers.value.clear();
        buffers.value.extend_from_slice(self.value());
        Ok(Head { has_value: !self.is_unset(), type_name: self.type_name.clone() })
    }
}

impl Payload for TypedValue {
    fn write(self, buffers: &mut Buffers) -> Result<Head, TypeError> {
        (&self).write(buffers)
    }
}

/// Shows the type and the length, not the value: values do not belong in logs.
impl fmt::Debug for TypedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "TypedValue({:?}, {} bytes)", self.type_name, value.len()),
            None => write!(f, "TypedValue({:?}, unset)", self.type_name),
        }
    }
}
