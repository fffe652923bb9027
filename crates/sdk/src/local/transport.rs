use std::fmt;
use std::future::Future;

use bytes::Bytes;

use crate::RequestReplyHandler;

/// How the embedded runtime reaches functions: in this process, or over HTTP with the transport of `statefun-http`.
pub trait Transport: Send + Sync {
    /// Sends an encoded `ToFunction` and returns the encoded `FromFunction`.
    ///
    /// When the future is dropped, the request may have been handled or not.
    ///
    /// # Errors
    /// When there is no response, or one that the cluster's runtime would not accept either.
    fn call(&self, request: Bytes) -> impl Future<Output = Result<Bytes, TransportError>> + Send;
}

impl Transport for RequestReplyHandler {
    async fn call(&self, request: Bytes) -> Result<Bytes, TransportError> {
        match self.handle(request).await {
            Ok(response) => Ok(response.body),
            Err(error) => Err(TransportError::new(error.to_string())),
        }
    }
}

impl<T: Transport> Transport for &T {
    fn call(&self, request: Bytes) -> impl Future<Output = Result<Bytes, TransportError>> + Send {
        T::call(self, request)
    }
}

/// Why a request got no response of the protocol.
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
