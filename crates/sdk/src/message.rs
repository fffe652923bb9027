use std::ops::Deref;

use bytes::Bytes;

use crate::TypedValue;
use crate::protocol::reqreply;

/// What a function was sent; it reads as a [`TypedValue`] does.
///
/// The bytes are a slice of the request: nothing is copied until it is decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message(TypedValue);

impl Message {
    /// The bytes as they came; none where the message is unset.
    pub fn raw(&self) -> &Bytes {
        self.0.value()
    }

    /// Returns `None` where the type name is not UTF-8.
    pub(crate) fn from_wire(argument: Option<reqreply::TypedValue>) -> Option<Self> {
        TypedValue::from_wire(argument).map(Self)
    }
}

impl Deref for Message {
    type Target = TypedValue;

    fn deref(&self) -> &TypedValue {
        &self.0
    }
}

/// Passes a message on: as it came.
impl From<&Message> for TypedValue {
    fn from(message: &Message) -> Self {
        message.0.clone()
    }
}
