//! A TCP proxy before several servers, as a Service of Kubernetes is: a server that is not ready gets no new connections.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use crate::process::get;

/// How often the servers are asked whether they are ready.
const PROBE: Duration = Duration::from_millis(500);

/// A server, and where it says whether it is ready.
#[derive(Debug)]
struct Backend {
    address: SocketAddr,
    /// `None` while there is no process.
    admin: Mutex<Option<SocketAddr>>,
    ready: AtomicBool,
    connections: AtomicUsize,
}

/// Serves until it is dropped.
pub(crate) struct Proxy {
    backends: Arc<[Backend]>,
    stopped: Arc<AtomicBool>,
    _runtime: Runtime,
}

impl Proxy {
    pub(crate) fn start(listen: SocketAddr, backends: &[SocketAddr]) -> Result<Self> {
        let backend = |address: &SocketAddr| Backend {
            address: *address,
            admin: Mutex::new(None),
            ready: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
        };
        let backends: Arc<[Backend]> = backends.iter().map(backend).collect();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind(listen))?;
        runtime.spawn(accept(listener, backends.clone()));
        let stopped = Arc::new(AtomicBool::new(false));
        let (probed, end) = (backends.clone(), stopped.clone());
        thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                probed.iter().for_each(Backend::probe);
                thread::sleep(PROBE);
            }
        });
        Ok(Self { backends, stopped, _runtime: runtime })
    }

    /// Where a server now says whether it is ready.
    pub(crate) fn set_admin(&self, server: usize, admin: SocketAddr) {
        *self.backends[server].admin.lock().unwrap_or_else(PoisonError::into_inner) = Some(admin);
    }

    /// How many connections each server got.
    pub(crate) fn connections(&self) -> Vec<usize> {
        self.backends.iter().map(|backend| backend.connections.load(Ordering::Relaxed)).collect()
    }

    /// Whether a server gets connections.
    pub(crate) fn is_ready(&self, server: usize) -> bool {
        self.backends[server].ready.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

impl Backend {
    fn probe(&self) {
        let admin = *self.admin.lock().unwrap_or_else(PoisonError::into_inner);
        let ready = admin.is_some_and(|admin| get(admin, "/readyz").is_ok_and(|(status, _)| status == 200));
        self.ready.store(ready, Ordering::Relaxed);
    }
}

/// Hands each connection to the next server that is ready; where none is, the connection is closed.
async fn accept(listener: TcpListener, backends: Arc<[Backend]>) {
    let mut next = 0;
    while let Ok((mut client, _)) = listener.accept().await {
        next += 1;
        let order = (0..backends.len()).map(|step| (next + step) % backends.len());
        let Some(chosen) = order.into_iter().find(|index| backends[*index].ready.load(Ordering::Relaxed)) else {
            continue;
        };
        let backend = &backends[chosen];
        backend.connections.fetch_add(1, Ordering::Relaxed);
        let address = backend.address;
        tokio::spawn(async move {
            let mut server = TcpStream::connect(address).await?;
            copy_bidirectional(&mut client, &mut server).await
        });
    }
}
