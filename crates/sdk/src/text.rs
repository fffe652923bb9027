use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use bytestring::ByteString;

/// A text argument: borrowed where it is written at once, shared or owned otherwise.
///
/// `&str`, `&String`, `String`, [`ByteString`], `&ByteString` (what [`Context::self_id`](crate::Context::self_id) returns) and
/// [`Cow`] convert into it. Passing on a `ByteString` copies nothing.
#[derive(Clone)]
pub enum Text<'a> {
    /// Borrowed from the caller.
    Borrowed(&'a str),
    /// Owned, or shared with others.
    Shared(ByteString),
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Shared(text) => text,
        }
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Text<'_> {}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self::Borrowed(text)
    }
}

impl<'a> From<&'a String> for Text<'a> {
    fn from(text: &'a String) -> Self {
        Self::Borrowed(text)
    }
}

/// Shared, not borrowed: a borrowed id of the context would keep the context from being used.
impl From<&ByteString> for Text<'_> {
    fn from(text: &ByteString) -> Self {
        Self::Shared(text.clone())
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self::Shared(text.into())
    }
}

impl From<ByteString> for Text<'_> {
    fn from(text: ByteString) -> Self {
        Self::Shared(text)
    }
}

impl<'a> From<Cow<'a, str>> for Text<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        match text {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        }
    }
}

impl From<Text<'_>> for ByteString {
    fn from(text: Text<'_>) -> Self {
        match text {
            Text::Borrowed(text) => text.into(),
            Text::Shared(text) => text,
        }
    }
}
