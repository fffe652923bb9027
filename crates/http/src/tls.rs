//! HTTPS: handshakes with the certificate of the moment, which follows its files.

mod failures;
mod files;
mod reload;

use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::{debug, warn};

use self::failures::{Cause, HandshakeFailures};
use self::reload::{Current, Reloader};
use crate::{ServeError, Tls};

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
        match TlsAcceptor::from(config).accept(stream).await {
            Ok(stream) => return Some(stream),
            Err(error) => self.failed(peer, Cause::of(&error), Some(error)),
        }
        None
    }

    /// Counts and logs a handshake that was given up.
    pub(crate) fn timed_out(&self, peer: Option<SocketAddr>) {
        self.failed(peer, Cause::Timeout, None);
    }

    fn failed(&self, peer: Option<SocketAddr>, cause: Cause, error: Option<io::Error>) {
        self.0.failures.count(cause);
        let (peer, error) = (peer.map(tracing::field::display), error.map(tracing::field::display));
        debug!(peer, cause = cause.as_str(), error, "TLS handshake failed");
    }
}
