use std::fmt;

use bytes::Bytes;
use bytestring::ByteString;
use serde::Deserialize;

use crate::answer::Buffers;
use crate::protocol::reqreply;
use crate::types::{Written, read_json};
use crate::{Decode, Encode, Proto, TypeError, Typed};

/// Bytes with the name of their type, as they travel.
///
/// Made by [`of`](Self::of) from a typed value, or by [`raw`](Self::raw) from bytes in whatever format. The readers check
/// the name first, so that a value of another type is an error that names both, and never decodes to something else.
#[derive(Clone, PartialEq, Eq)]
pub struct TypedValue {
    type_name: ByteString,
    /// `None` for "no value", which is not the same as an empty one.
    value: Option<Bytes>,
}

impl TypedValue {
    /// Bytes that are already in the format of the type `type_name`.
    ///
    /// An ingress may be configured with any text as `valueType`, so any text is taken.
    pub fn raw(type_name: impl Into<ByteString>, value: impl Into<Bytes>) -> Self {
        Self { type_name: type_name.into(), value: Some(value.into()) }
    }

    /// "No value" of the type `type_name`.
    pub fn unset(type_name: impl Into<ByteString>) -> Self {
        Self { type_name: type_name.into(), value: None }
    }

    /// The bytes of a typed value.
    ///
    /// # Errors
    /// When the value has no representation in its type.
    pub fn of<T: Encode + Typed>(value: T) -> Result<Self, TypeError> {
        let mut buffers = Buffers::default();
        let head = value.write(&mut buffers)?;
        Ok(Self::raw(head.type_name, buffers.value))
    }

    /// The name of the type, as it came.
    pub fn type_name(&self) -> &str {
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

    /// The bytes as they are; none where it is unset.
    pub fn value(&self) -> &Bytes {
        static NOTHING: Bytes = Bytes::new();
        self.value.as_ref().unwrap_or(&NOTHING)
    }

    /// Reads it as a `T`.
    ///
    /// # Errors
    /// When it is of another type, is unset, or does not hold a `T`.
    pub fn as_<T: Decode + Typed>(&self) -> Result<T, TypeError> {
        T::decode(self.checked::<T>()?).map_err(|error| error.within(&self.type_name))
    }

    /// Reads it as the JSON of a `T`, which may borrow from it.
    ///
    /// # Errors
    /// As [`as_`](Self::as_).
    pub fn json<'a, T: Typed + Deserialize<'a>>(&'a self) -> Result<T, TypeError> {
        read_json(self.checked::<T>()?).map_err(|error| error.within(&self.type_name))
    }

    /// Reads it as the protobuf encoding of a `T`.
    ///
    /// # Errors
    /// As [`as_`](Self::as_).
    pub fn proto<T: Typed + prost::Message + Default>(&self) -> Result<T, TypeError> {
        self.as_::<Proto<T>>().map(|Proto(message)| message)
    }

    fn checked<T: Typed>(&self) -> Result<&Bytes, TypeError> {
        if !self.is::<T>() {
            return Err(TypeError::other_type::<T>(&self.type_name));
        }
        self.value
            .as_ref()
            .ok_or_else(|| TypeError::new(format!("a message of type {} without a value", self.type_name)))
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

    pub(crate) fn into_type_name(self) -> ByteString {
        self.type_name
    }
}

/// Shows the type and the length, not the value: values do not belong in logs.
impl fmt::Debug for TypedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "TypedValue({}, {} bytes)", self.type_name, value.len()),
            None => write!(f, "TypedValue({}, unset)", self.type_name),
        }
    }
}
