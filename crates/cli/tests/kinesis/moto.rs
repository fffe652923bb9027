//! A Kinesis emulator that runs until it is dropped.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::client::Waiters as _;
use aws_sdk_kinesis::config::{BehaviorVersion, Config, Credentials, Region};
use aws_smithy_http_client::Builder;

pub(crate) struct Moto {
    process: Child,
    url: String,
}

impl Moto {
    /// Starts it, and waits until it accepts requests.
    pub(crate) fn start() -> Self {
        let program = std::env::var_os("MOTO_SERVER").unwrap_or_else(|| "moto_server".into());
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
        let mut process = Command::new(&program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{}: {error}; pip install 'moto[server]', and MOTO_SERVER can name it", program.display())
            });
        let log = process.stderr.take().expect("its errors");
        let moto = Self { process, url: format!("http://127.0.0.1:{port}") };
        said(log, " * Running on ");
        moto
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn client(&self) -> Client {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(Credentials::new("any", "any", None, None, "test"))
            .endpoint_url(&self.url)
            .http_client(Builder::new().build_http())
            .region(Region::from_static("us-east-1"))
            .build();
        Client::from_conf(config)
    }

    /// Creates a stream, and waits until it is there.
    pub(crate) async fn create(&self, stream: &str, shards: i32) {
        let client = self.client();
        client.create_stream().stream_name(stream).shard_count(shards).send().await.expect("created");
        let wait = client.wait_until_stream_exists().stream_name(stream);
        wait.wait(std::time::Duration::from_secs(30)).await.expect("the stream is there");
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits until a process has written a line that begins like this, and reads the others, that it may write on.
pub(crate) fn said(output: impl Read + Send + 'static, text: &str) {
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    assert!(lines.by_ref().any(|line| line.starts_with(text)), "it ended without saying {text:?}");
    std::thread::spawn(move || lines.for_each(drop));
}
