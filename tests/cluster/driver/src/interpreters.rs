//! Test functions, served by this process like any other application.

use anyhow::Result;
use statefun_http::Options;
use statefun_sdk::Registry;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::delays;
use statefun_test_support::smoke::function::{self, Sinks};

/// Serves them until it is dropped.
pub(crate) struct Server {
    port: u16,
    _runtime: Runtime,
    _shutdown: oneshot::Sender<()>,
}

impl Server {
    pub(crate) fn start() -> Result<Self> {
        let registry =
            Registry::builder().function(function::function(Sinks::Kafka)).function(delays::function()).build()?;
        let runtime = Runtime::new()?;
        let options = Options { listen: ([127, 0, 0, 1], 0).into(), ..Options::default() };
        let server = statefun_http::Server::new(registry, options)?.bind()?;
        let port = server.local_addr().port();
        let (shutdown, told) = oneshot::channel::<()>();
        runtime.spawn(server.run(async {
            // An error is the sender's end, which is meant as well.
            let _ = told.await;
        }));
        Ok(Self { port, _runtime: runtime, _shutdown: shutdown })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/statefun", self.port)
    }
}
