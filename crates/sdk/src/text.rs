use std::fmt;
use std::ops::Deref;

use bytestring::ByteString;

/// A text for a record that is written at once: borrowed where there is someone to borrow it from, so that nothing is copied.
#[derive(Clone)]
pub enum Text<'a> {
    /// Someone else's.
    Borrowed(&'a str),
    /// Its own, or shared.
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

/// Shared, not borrowed: the id of the context, whose borrow would keep the record from being emitted.
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
