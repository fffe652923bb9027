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
        if let Some(token) = simulated::next() {
            return Self(token.into());
        }
        Self(Uuid::new_v4().to_string().into())
    }

    /// The token's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What stands in for random tokens where a schedule must be the same each time.
#[cfg(feature = "local")]
pub(crate) mod simulated {
    use std::cell::Cell;

    /// Tokens of one request: they differ from those of any other, and are the same when it is repeated.
    #[derive(Clone, Copy)]
    pub(crate) struct Tokens {
        request: u64,
        number: u64,
    }

    thread_local! {
        static TOKENS: Cell<Option<Tokens>> = const { Cell::new(None) };
    }

    impl Tokens {
        pub(crate) fn of(request: u64) -> Self {
            Self { request, number: 0 }
        }

        /// The same ones, from the first on.
        pub(crate) fn again(self) -> Self {
            Self::of(self.request)
        }

        /// Runs what may ask for tokens.
        pub(crate) fn during<R>(&mut self, run: impl FnOnce() -> R) -> R {
            let before = TOKENS.replace(Some(*self));
            let result = run();
            *self = TOKENS.replace(before).unwrap_or(*self);
            result
        }
    }

    pub(super) fn next() -> Option<String> {
        let mut tokens = TOKENS.get()?;
        tokens.number += 1;
        TOKENS.set(Some(tokens));
        Some(format!("{:016x}-{}", tokens.request, tokens.number))
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
