use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use bytestring::ByteString;

/// The name of a function type, a value type or an egress: `namespace/name`.
///
/// It has exactly one `/` with something on both sides, because the runtime splits at `/` and wants two parts
/// (runtime: `TypeName.parseFrom`).
///
/// ```
/// use statefun_sdk::TypeName;
/// const GREETER: TypeName = TypeName::new("demo/greeter"); // checked by the compiler
/// assert_eq!((GREETER.namespace(), GREETER.name()), ("demo", "greeter"));
/// assert!("demo/greeter/v2".parse::<TypeName>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeName {
    text: Cow<'static, str>,
    slash: usize,
}

impl TypeName {
    /// A name that is known at compile time.
    ///
    /// # Panics
    /// When the text is not `namespace/name`. In a `const` that is a compile error.
    pub const fn new(text: &'static str) -> Self {
        match position_of_slash(text) {
            Some(slash) => Self { text: Cow::Borrowed(text), slash },
            None => panic!("a type name has exactly one '/' with something on both sides: namespace/name"),
        }
    }

    /// Parses a name that is only known at run time.
    ///
    /// # Errors
    /// When the text is not `namespace/name`.
    pub fn parse(text: impl Into<Cow<'static, str>>) -> Result<Self, InvalidTypeName> {
        let text = text.into();
        match position_of_slash(&text) {
            Some(slash) => Ok(Self { text, slash }),
            None => Err(InvalidTypeName(text.into_owned())),
        }
    }

    /// The part before the `/`.
    pub fn namespace(&self) -> &str {
        &self.text[..self.slash]
    }

    /// The part after the `/`.
    pub fn name(&self) -> &str {
        &self.text[self.slash + 1..]
    }

    /// `namespace/name`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text for the wire: no allocation for a name that is known to the compiler.
    pub(crate) fn into_text(self) -> ByteString {
        match self.text {
            Cow::Borrowed(text) => ByteString::from_static(text),
            Cow::Owned(text) => text.into(),
        }
    }

    /// Namespace and name for an address, likewise.
    pub(crate) fn parts(&self) -> (ByteString, ByteString) {
        match &self.text {
            Cow::Borrowed(text) => {
                (ByteString::from_static(&text[..self.slash]), ByteString::from_static(&text[self.slash + 1..]))
            }
            Cow::Owned(_) => (self.namespace().into(), self.name().into()),
        }
    }
}

const fn position_of_slash(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut found = None;
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'/' {
            if found.is_some() || at == 0 || at + 1 == bytes.len() {
                return None;
            }
            found = Some(at);
        }
        at += 1;
    }
    found
}

impl fmt::Display for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl FromStr for TypeName {
    type Err = InvalidTypeName;

    fn from_str(text: &str) -> Result<Self, InvalidTypeName> {
        Self::parse(text.to_owned())
    }
}

impl From<TypeName> for Cow<'static, str> {
    fn from(name: TypeName) -> Self {
        name.text
    }
}

/// A text that is not `namespace/name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidTypeName(pub(crate) String);

impl fmt::Display for InvalidTypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a type name: exactly one '/' with something on both sides, namespace/name", self.0)
    }
}

impl std::error::Error for InvalidTypeName {}
