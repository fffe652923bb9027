use std::fmt;
use std::future::Future;

use bytes::Bytes;

use crate::RequestReplyHandler;

/// How the embedded runtime reaches functions: in this process, or over HTTP with the transport of `statefun-http`.
pub trait Transport: Send + Sync {
    /// Sends an encoded `ToFunction` and returns the encoded `FromFunction`.
    ///
    /// # Errors
    /// When there is no answer, or one that the cluster's runtime would not take either.
    fn call(&self, request: Bytes) -> impl Future<Output = Result<Bytes, TransportError>> + Send;
}

impl Transport for RequestReplyHandler {
    async fn call(&self, request: Bytes) -> Result<Bytes, TransportError> {
        match self.handle(request).await {
            Ok(reply) => Ok(reply.body),
            Err(error) => Err(TransportError::new(error.to_string())),
        }
    }
}

impl<T: Transport> Transport for &T {
    fn call(&self, request: Bytes) -> impl Future<Output = Result<Bytes, TransportError>> + Send {
        T::call(self, request)
    }
}

/// A request that got no answer of the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportError(String);

impl TransportError {
    /// An error of a transport; `reason` says what was expected.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TransportError {}
