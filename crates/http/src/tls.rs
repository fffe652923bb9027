//! HTTPS: handshakes with the certificate of the moment, which follows its files.

mod failures;
mod files;
mod reload;

use std::net::SocketAddr;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::{debug, warn};

use self::failures::{Cause, HandshakeFailures};
use self::reload::{Current, Reloader};
use crate::{ServeError, Tls};

/// How long a client may need for its part of a handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Accepts TLS connections. Clones share a configuration; with [`Tls::Files`] a thread replaces it when the files change, until the
/// last clone is dropped. A handshake takes the configuration of its begin: connections that are there are not touched.
#[derive(Clone)]
pub(crate) struct Acceptor(Arc<Shared>);

struct Shared {
    config: Current,
    failures: HandshakeFailures,
    /// Asks for a reload. The thread ends once it is dropped.
    reload: Option<SyncSender<()>>,
}

impl Acceptor {
    pub(crate) fn new(tls: &Tls) -> Result<Self, ServeError> {
        let (config, reload) = match tls {
            Tls::Config(config) => (Arc::new(RwLock::new(Arc::clone(config))), None),
            Tls::Files(files) => {
                let (reloader, config) = Reloader::new(files.clone())?;
                // One that waits stands for any more.
                let (reload, asked) = sync_channel(1);
                let reloader =
                    thread::Builder::new().name("statefun-tls".to_owned()).spawn(move || reloader.run(&asked));
                reloader.map_err(ServeError::Io)?;
                (config, Some(reload))
            }
        };
        Ok(Self(Arc::new(Shared { config, failures: HandshakeFailures::new(), reload })))
    }

    /// Has the files read again, soon and on another thread.
    pub(crate) fn reload(&self) {
        match &self.0.reload {
            // If it is full, the files will be read after this call all the same.
            Some(reload) => drop(reload.try_send(())),
            None => warn!("nothing to reload: the TLS configuration is not read from files"),
        }
    }

    /// The connection after its handshake; a failure is counted and logged.
    pub(crate) async fn accept<S>(&self, stream: S, peer: Option<SocketAddr>) -> Option<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let config = Arc::clone(&self.0.config.read().unwrap_or_else(PoisonError::into_inner));
        let (cause, error) = match timeout(HANDSHAKE_TIMEOUT, TlsAcceptor::from(config).accept(stream)).await {
            Ok(Ok(stream)) => return Some(stream),
            Ok(Err(error)) => (Cause::of(&error), Some(error)),
            Err(_) => (Cause::Timeout, None),
        };
        self.0.failures.count(cause);
        let (peer, error) = (peer.map(tracing::field::display), error.map(tracing::field::display));
        debug!(peer, cause = cause.as_str(), error, "TLS handshake failed");
        None
    }
}
