use std::fmt;

use bytes::Bytes;
use bytestring::ByteString;
use uuid::Uuid;

use crate::encode::{Decode, Encode, Typed};
use crate::text::Text;
use crate::type_error::TypeError;
use crate::typename::TypeName;

/// Names a delayed message so that it can be cancelled.
///
/// Keep it in a state, a `ValueSpec<CancellationToken>`, to cancel in a later invocation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CancellationToken(pub(crate) ByteString);

impl CancellationToken {
    /// A token with this text: a former one that was saved, or one that is unique by its content.
    ///
    /// # Errors
    /// When the text is empty: the runtime fails on a cancellation without a token.
    pub fn new<'a>(text: impl Into<Text<'a>>) -> Result<Self, EmptyToken> {
        let text = ByteString::from(text.into());
        if text.is_empty() { Err(EmptyToken) } else { Ok(Self(text)) }
    }

    /// A random token, unique for all practical purposes.
    ///
    /// It is another one each time the same message is delivered, as it must be: a message that comes twice delays two
    /// messages, which need two tokens.
    pub fn random() -> Self {
        #[cfg(feature = "local")]
        if let Some(token) = crate::simulated::next_token() {
            return Self(token.into());
        }
        Self(Uuid::new_v4().to_string().into())
    }

    /// The token's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Typed for CancellationToken {
    const TYPE_NAME: TypeName = String::TYPE_NAME;
}

impl Encode for CancellationToken {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), TypeError> {
        self.as_str().encode(out)
    }
}

impl Decode for CancellationToken {
    fn decode(bytes: &Bytes) -> Result<Self, TypeError> {
        Self::new(String::decode(bytes)?).map_err(|error| TypeError::new(error.to_string()))
    }
}

/// A cancellation token without text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmptyToken;

impl fmt::Display for EmptyToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an empty cancellation token: expected some text")
    }
}

impl std::error::Error for EmptyToken {}
