//! The threads that serve connections: each has a Tokio runtime of its own, and serves a connection from its first byte to its
//! last.
//!
//! Rather than one runtime whose threads share the work: that lets connections starve once some hundreds of them are ready
//! at a time (the queue of a thread holds 256, the rest wait in another that is looked at now and then), and costs more.

use std::io;
use std::num::NonZeroUsize;
use std::thread;

use hyper_util::server::graceful::Watcher;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};
use tracing::warn;

/// How many connections may wait for a thread to take them.
const WAITING: usize = 1024;

/// A connection, and what tells it to end.
type Accepted = (std::net::TcpStream, Watcher);

/// Threads that serve connections until it is dropped: then they end, and whatever they serve with them.
pub(crate) struct Workers {
    connections: Vec<mpsc::Sender<Accepted>>,
    next: usize,
    _alive: Vec<oneshot::Sender<()>>,
}

impl Workers {
    /// Starts the threads. `serve` begins to serve a connection: it spawns, and does not wait.
    pub(crate) fn start(
        count: NonZeroUsize,
        serve: impl Fn(TcpStream, Watcher) + Clone + Send + 'static,
    ) -> io::Result<Self> {
        let mut workers = Self { connections: Vec::new(), next: 0, _alive: Vec::new() };
        for number in 0..count.get() {
            let (connections, taken) = mpsc::channel(WAITING);
            let (alive, ended) = oneshot::channel();
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let serve = serve.clone();
            let work = move || runtime.block_on(work(taken, ended, serve));
            thread::Builder::new().name(format!("statefun-{number}")).spawn(work)?;
            workers.connections.push(connections);
            workers._alive.push(alive);
        }
        Ok(workers)
    }

    /// Gives a connection to the next thread in turn: with a few connections no thread is left without.
    pub(crate) async fn give(&mut self, connection: TcpStream, watcher: Watcher) {
        let worker = &self.connections[self.next];
        self.next = (self.next + 1) % self.connections.len();
        match connection.into_std() {
            // A thread ends with `self`, and not before.
            Ok(connection) => drop(worker.send((connection, watcher)).await),
            Err(error) => warn!(%error, "a connection was lost before it was served"),
        }
    }
}

async fn work(
    mut connections: mpsc::Receiver<Accepted>,
    mut ended: oneshot::Receiver<()>,
    serve: impl Fn(TcpStream, Watcher),
) {
    loop {
        let (connection, watcher) = tokio::select! {
            // Its sender is never used: it is dropped.
            _ = &mut ended => return,
            Some(connection) = connections.recv() => connection,
        };
        match TcpStream::from_std(connection) {
            Ok(connection) => serve(connection, watcher),
            Err(error) => warn!(%error, "a connection was lost before it was served"),
        }
    }
}
