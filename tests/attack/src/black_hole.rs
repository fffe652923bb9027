use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A service that accepts connections and never says anything.
pub(crate) struct BlackHole {
    pub(crate) url: String,
    pub(crate) connections: AtomicU64,
}

impl BlackHole {
    /// # Errors
    /// When there is no free port.
    pub(crate) async fn start() -> anyhow::Result<Arc<Self>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/scores", listener.local_addr()?);
        let hole = Arc::new(Self { url, connections: AtomicU64::new(0) });
        let counted = Arc::clone(&hole);
        tokio::spawn(async move {
            let mut swallowed = JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.connections.fetch_add(1, Ordering::Relaxed);
                swallowed.spawn(async move { while matches!(stream.read(&mut [0; 4096]).await, Ok(1..)) {} });
                while swallowed.try_join_next().is_some() {}
            }
        });
        Ok(hole)
    }
}
