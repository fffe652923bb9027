use std::fmt;

use bytestring::ByteString;

use crate::protocol::reqreply;
use crate::text::Text;
use crate::typename::TypeName;

/// The target or the sender of a message: a function type and the id of one instance.
///
/// The id may be empty: a record with an empty key has such an address.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    namespace: ByteString,
    name: ByteString,
    id: ByteString,
}

impl Address {
    /// The instance `id` of the function `type_name`.
    pub fn new<'a>(type_name: &TypeName, id: impl Into<Text<'a>>) -> Self {
        let (namespace, name) = type_name.parts();
        Self { namespace, name, id: id.into().into() }
    }

    /// The namespace of the function's type name.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The name part of the function's type name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which instance of the function.
    pub fn id(&self) -> &ByteString {
        &self.id
    }

    /// Whether this is an instance of the function `type_name`.
    #[inline]
    pub fn is(&self, type_name: &TypeName) -> bool {
        self.namespace == type_name.namespace() && self.name == type_name.name()
    }

    pub(crate) fn is_same_type(&self, other: &Self) -> bool {
        self.namespace == other.namespace && self.name == other.name
    }

    /// Reads an address from the wire.
    ///
    /// Returns `None` where a part is not UTF-8.
    pub(crate) fn from_wire(address: reqreply::Address) -> Option<Self> {
        Some(Self {
            namespace: address.namespace.try_into().ok()?,
            name: address.r#type.try_into().ok()?,
            id: address.id.try_into().ok()?,
        })
    }

    #[cfg(feature = "local")]
    pub(crate) fn into_wire(self) -> reqreply::Address {
        reqreply::Address {
            namespace: self.namespace.into_bytes(),
            r#type: self.name.into_bytes(),
            id: self.id.into_bytes(),
        }
    }

    /// The SDKs and the runtime treat an address whose three parts are empty as absent.
    pub(crate) fn is_absent(&self) -> bool {
        self.namespace.is_empty() && self.name.is_empty() && self.id.is_empty()
    }
}

impl TypeName {
    /// The address of the instance `id` of the function with this name.
    pub fn with_id<'a>(&self, id: impl Into<Text<'a>>) -> Address {
        Address::new(self, id)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.namespace, self.name, self.id)
    }
}

/// For logs: an id may be any text, so it is escaped, and cut where it is very long.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 256;
        for (separator, part) in [("", &self.namespace), ("/", &self.name), ("/", &self.id)] {
            f.write_str(separator)?;
            for character in part.chars().take(LONGEST) {
                write!(f, "{}", character.escape_debug())?;
            }
            if part.chars().nth(LONGEST).is_some() {
                f.write_str("…")?;
            }
        }
        Ok(())
    }
}
