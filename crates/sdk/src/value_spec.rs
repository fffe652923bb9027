use std::any::{Any, TypeId};
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use bytes::Bytes;

use crate::encode::{Decode, Encode, Typed};
use crate::protocol::reqreply::from_function;
use crate::type_error::TypeError;
use crate::typename::TypeName;
use crate::wire::whole_millis;

/// When the runtime drops a state.
///
/// The runtime keeps the expiration with which a state was first registered: another one in a later release has no
/// effect on a running job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Expiration {
    /// Never.
    #[default]
    None,
    /// This long after it was last written.
    AfterWrite(Duration),
    /// This long after the last invocation of its address: every request reads all states.
    AfterCall(Duration),
}

impl Expiration {
    pub(crate) fn to_wire(self) -> Option<from_function::ExpirationSpec> {
        use from_function::expiration_spec::ExpireMode;
        let (mode, after) = match self {
            Self::None => return None,
            Self::AfterWrite(after) => (ExpireMode::AfterWrite, after),
            Self::AfterCall(after) => (ExpireMode::AfterInvoke, after),
        };
        Some(from_function::ExpirationSpec { mode: mode.into(), expire_after_millis: whole_millis(after) })
    }
}

/// A state of a function: its name, the type of its values and when it expires.
///
/// Make it a constant and give it to [`Function::state`](crate::Function::state); then
/// [`Context::get`](crate::Context::get) and its kin know the type of its values.
///
/// ```
/// use std::time::Duration;
/// use statefun_sdk::ValueSpec;
/// const SEEN: ValueSpec<i32> = ValueSpec::new("seen").expire_after_write(Duration::from_secs(3600));
/// ```
///
/// ```compile_fail,E0080
/// # use statefun_sdk::ValueSpec;
/// const BAD: ValueSpec<i32> = ValueSpec::new("no-dashes"); // does not compile
/// ```
pub struct ValueSpec<T> {
    name: &'static str,
    type_name: TypeName,
    expiration: Expiration,
    value: PhantomData<fn() -> T>,
}

impl<T: Typed + Encode + Decode + Send + Sync + 'static> ValueSpec<T> {
    /// A state that never expires.
    ///
    /// # Panics
    /// When `name` is not a letter or `_` followed by letters, digits or `_`, all ASCII (what every SDK accepts). In
    /// a `const` that is a compile error.
    pub const fn new(name: &'static str) -> Self {
        Self::with_type(name, T::TYPE_NAME)
    }
}

impl<T: Encode + Decode + Send + Sync + 'static> ValueSpec<T> {
    /// A state whose values have another type name than their Rust type, or whose Rust type has none, such as
    /// [`Bytes`].
    ///
    /// # Panics
    /// As [`new`](ValueSpec::new).
    pub const fn with_type(name: &'static str, type_name: TypeName) -> Self {
        assert!(is_state_name(name), "a state's name is a letter or '_' followed by letters, digits or '_'");
        Self { name, type_name, expiration: Expiration::None, value: PhantomData }
    }

    /// Drops the value this long after it was last written.
    ///
    /// # Panics
    /// When `after` is zero.
    #[must_use]
    pub const fn expire_after_write(mut self, after: Duration) -> Self {
        assert!(!after.is_zero(), "a state that expires at once holds nothing");
        self.expiration = Expiration::AfterWrite(after);
        self
    }

    /// Drops the value this long after the last invocation of its address.
    ///
    /// # Panics
    /// When `after` is zero.
    #[must_use]
    pub const fn expire_after_call(mut self, after: Duration) -> Self {
        assert!(!after.is_zero(), "a state that expires at once holds nothing");
        self.expiration = Expiration::AfterCall(after);
        self
    }

    pub(crate) fn declaration(&self) -> StateDeclaration {
        StateDeclaration {
            name: self.name,
            type_name: self.type_name.clone(),
            expiration: self.expiration,
            value_type: TypeId::of::<T>(),
            encode: |value, out| match value.downcast_ref::<T>() {
                Some(value) => value.encode(out),
                None => Err(TypeError::new("a value of another Rust type than the state was declared with")),
            },
        }
    }
}

impl<T> ValueSpec<T> {
    /// The name of the type of its values.
    pub const fn type_name(&self) -> &TypeName {
        &self.type_name
    }

    /// The state's name.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl<T> fmt::Debug for ValueSpec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ValueSpec({}: {}, {:?})", self.name, self.type_name, self.expiration)
    }
}

/// Encodes a value of the one Rust type that a state was declared with.
type Encoder = fn(&(dyn Any + Send + Sync), &mut Vec<u8>) -> Result<(), TypeError>;

/// What a function declared of one of its states.
#[derive(Clone)]
pub struct StateDeclaration {
    name: &'static str,
    type_name: TypeName,
    expiration: Expiration,
    value_type: TypeId,
    encode: Encoder,
}

impl StateDeclaration {
    /// The state's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The name of the type of its values.
    pub fn type_name(&self) -> &TypeName {
        &self.type_name
    }

    /// When the runtime drops it by itself.
    pub fn expiration(&self) -> Expiration {
        self.expiration
    }

    pub(crate) fn holds<T: 'static>(&self) -> bool {
        self.value_type == TypeId::of::<T>()
    }

    pub(crate) fn encode(&self, value: &(dyn Any + Send + Sync), out: &mut Vec<u8>) -> Result<(), TypeError> {
        (self.encode)(value, out)
    }

    pub(crate) fn to_wire(&self) -> from_function::PersistedValueSpec {
        from_function::PersistedValueSpec {
            state_name: Bytes::from_static(self.name.as_bytes()),
            expiration_spec: self.expiration.to_wire(),
            type_typename: self.type_name.clone().into_text().into_bytes(),
        }
    }
}

impl fmt::Debug for StateDeclaration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, {:?}", self.name, self.type_name, self.expiration)
    }
}

const fn is_state_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes[0].is_ascii_digit() {
        return false;
    }
    let mut at = 0;
    while at < bytes.len() {
        if !(bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_') {
            return false;
        }
        at += 1;
    }
    true
}
