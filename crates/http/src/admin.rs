//! The pages for operators at an address of their own.

use std::io;
use std::sync::Arc;
use std::thread;

use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::app::{self, Served};
use crate::connection::Protocol;
use crate::connections::Connections;
use crate::endpoint::Endpoint;
use crate::options::Options;
use crate::server::accept;

/// How many connections the address may have, of the descriptors that the main one leaves: probes and some scrapers.
const MAX_CONNECTIONS: usize = 32;

/// A thread that serves the pages, until this is dropped. It has a runtime of its own, so that workers which are busy, or which
/// functions block, do not keep operators from seeing just that.
pub(crate) struct Admin(#[allow(dead_code, reason = "dropping it ends the thread")] oneshot::Sender<()>);

impl Admin {
    /// Serves the pages of `endpoint`.
    ///
    /// # Errors
    /// When the listener or a thread cannot be used.
    pub(crate) fn start(listener: std::net::TcpListener, endpoint: &Endpoint, options: &Options) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _entered = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let protocol = Arc::new(Protocol {
            served: Served::Router(app::admin(endpoint, options)),
            drain: endpoint.drain(),
            timeouts: options.timeouts.clone(),
            #[cfg(feature = "tls")]
            tls: None,
        });
        let connections = Connections::new(MAX_CONNECTIONS, None);
        let (admin, dropped) = oneshot::channel::<()>();
        let handle = runtime.handle().clone();
        let serve = async move {
            tokio::select! {
                never = accept(&listener, &protocol, &handle, &connections) => match never {},
                _ = dropped => {}
            }
        };
        thread::Builder::new().name("statefun-admin".to_owned()).spawn(move || runtime.block_on(serve))?;
        Ok(Self(admin))
    }
}
