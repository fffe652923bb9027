//! Heads and bodies of HTTP/1.1, from the first byte of a connection.

use std::cell::LazyCell;
use std::time::Duration;

use axum::serve::Listener;
use statefun_http::{Options, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::{block_on, registry};

/// Where a request is answered and its body discarded in memory, this is long.
const HANG: Duration = Duration::from_secs(10);

struct Connections(mpsc::Receiver<DuplexStream>);

impl Listener for Connections {
    type Io = DuplexStream;
    type Addr = ();

    async fn accept(&mut self) -> (DuplexStream, ()) {
        match self.0.recv().await {
            Some(connection) => (connection, ()),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<()> {
        Ok(())
    }
}

thread_local! {
    static CONNECT: LazyCell<mpsc::Sender<DuplexStream>> = LazyCell::new(start);
}

/// Starts the server of this thread; returns where its connections come from.
fn start() -> mpsc::Sender<DuplexStream> {
    let (connect, connections) = mpsc::channel(1);
    let options = Options { body_limit: 4096, ..Options::default() };
    let server = Server::new(registry(), options).expect("a server");
    block_on(async { drop(tokio::spawn(server.serve(Connections(connections), std::future::pending()))) });
    connect
}

pub(crate) fn connection(bytes: &[u8]) {
    let connect = CONNECT.with(|connect| (*connect).clone());
    let (mut client, server) = duplex(64 * 1024);
    let exchange = async {
        connect.send(server).await.expect("it accepts");
        // It may close before it has read all.
        let _ = client.write_all(bytes).await;
        let _ = client.shutdown().await;
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.expect("read");
        answer
    };
    let answer = block_on(async { timeout(HANG, exchange).await });
    let answer = answer.expect("the connection ends once the client has sent all");
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1."), "{:?}", String::from_utf8_lossy(&answer));
}
