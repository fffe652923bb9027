//! How a value becomes bytes: the traits of values, and the buffers that they are written to.

use bytes::Bytes;
use bytestring::ByteString;

use crate::type_error::TypeError;
use crate::typename::TypeName;
use crate::wire::Slice;

/// A Rust type that has a name on the wire. Derive it:
///
/// ```
/// # use serde::Deserialize;
/// use statefun_sdk::Typed;
///
/// #[derive(Deserialize, Typed)]
/// #[typed("demo/login")]
/// struct Login { user_name: String }
/// ```
///
/// The derived type is JSON, or what its attribute says; see the [derive macro](derive@crate::Typed).
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no type name",
    label = "a value that travels has a type name",
    note = "give it one: `#[derive(Typed)] #[typed(\"namespace/name\")]`",
    note = "a state of a type that cannot have one is declared with `ValueSpec::with_type`"
)]
pub trait Typed {
    /// The name that travels with every value of this type.
    const TYPE_NAME: TypeName;
}

/// Writes a value as the bytes of its type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be written: it has no encoding",
    label = "no encoding",
    note = "derive one: `#[derive(Serialize, Typed)] #[typed(\"namespace/name\")]` is JSON, `#[typed(\"namespace/name\", proto)]` protobuf",
    note = "or wrap the value: `Json(value)`, `Proto(value)`"
)]
pub trait Encode {
    /// Appends the bytes of this value to `out`.
    ///
    /// # Errors
    /// When the value has no representation in its type.
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), TypeError>;
}

/// Reads a value from the bytes of its type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read: it has no encoding",
    label = "no encoding",
    note = "derive one: `#[derive(Deserialize, Typed)] #[typed(\"namespace/name\")]` is JSON, `#[typed(\"namespace/name\", proto)]` protobuf",
    note = "or use a wrapper: `Json<T>`, `Proto<T>`",
    note = "a type that borrows from the message is bound with `Function::on_message` and read with `Message::json`"
)]
pub trait Decode: Sized {
    /// Reads a value; `bytes` may be kept without copying them.
    ///
    /// # Errors
    /// When the bytes are no value of this type. The error never shows the bytes.
    fn decode(bytes: &Bytes) -> Result<Self, TypeError>;
}

impl<T: Typed + ?Sized> Typed for &T {
    const TYPE_NAME: TypeName = T::TYPE_NAME;
}

impl<T: Encode + ?Sized> Encode for &T {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), TypeError> {
        (**self).encode(out)
    }
}

/// What can be sent: a typed value, or a [`TypedValue`](crate::TypedValue) made before. There is nothing to implement.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent",
    label = "neither a typed value nor a `TypedValue`",
    note = "derive it: `#[derive(Serialize, Typed)] #[typed(\"namespace/name\")]`, or wrap it: `Json(value)`, `Proto(value)`"
)]
pub trait Payload {
    /// Leaves the bytes in `buffers.value`.
    #[doc(hidden)]
    fn write(self, buffers: &mut Buffers) -> Result<Head, TypeError>;
}

impl<T: Encode + Typed> Payload for T {
    fn write(self, buffers: &mut Buffers) -> Result<Head, TypeError> {
        let type_name = const { T::TYPE_NAME };
        encode_to(&mut buffers.value, &self).map_err(|error| error.within(type_name.as_str()))?;
        Ok(Head::of(type_name.into_text()))
    }
}

/// Scratch buffers, reused to avoid an allocation per value.
#[derive(Debug, Default)]
pub struct Buffers {
    /// The bytes of a value.
    pub(crate) value: Vec<u8>,
    /// For a value that is put together from another.
    spare: Vec<u8>,
}

/// What a buffer holds before it grows, in bytes: most values.
const SMALL: usize = 2048;

impl Buffers {
    pub(crate) fn with_room() -> Self {
        Self { value: Vec::with_capacity(SMALL), spare: Vec::with_capacity(SMALL) }
    }

    /// Puts what `write` makes of the value in the value's place.
    pub(crate) fn wrap(&mut self, write: impl FnOnce(Option<Slice<'_>>, &mut Vec<u8>)) {
        self.spare.clear();
        write(Slice::of(&self.value), &mut self.spare);
        std::mem::swap(&mut self.value, &mut self.spare);
    }
}

/// What the bytes in [`Buffers::value`] are.
#[derive(Debug)]
pub struct Head {
    /// The name of their type.
    pub(crate) type_name: ByteString,
    /// Whether they are a value, be it an empty one.
    pub(crate) has_value: bool,
}

impl Head {
    pub(crate) fn of(type_name: ByteString) -> Self {
        Self { type_name, has_value: true }
    }
}

/// Begins by clearing the buffer: a value that failed, or panicked, half-way has left its first half there.
pub(crate) fn encode_to(buffer: &mut Vec<u8>, value: &(impl Encode + ?Sized)) -> Result<(), TypeError> {
    buffer.clear();
    value.encode(buffer)
}

/// What would be sent, for the runtimes of tests.
#[cfg(feature = "local")]
pub(crate) fn typed_value(payload: impl Payload) -> Result<crate::TypedValue, TypeError> {
    let mut buffers = Buffers::default();
    let head = payload.write(&mut buffers)?;
    Ok(match head.has_value {
        true => crate::TypedValue::from_bytes(head.type_name, buffers.value),
        false => crate::TypedValue::unset(head.type_name),
    })
}
