//! A real broker, for as long as this lives.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use tempfile::TempDir;

pub(crate) struct Broker {
    process: Child,
    address: String,
    _folder: TempDir,
}

impl Broker {
    /// Starts it, and waits until it takes requests.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let here = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/kafka");
        let ports = [free_port(), free_port()];
        let mut process = Command::new(here.join("kafka.sh"))
            .arg(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("kafka-jars"))
            .arg(folder.path().join("kafka"))
            .args(ports.map(|port| port.to_string()))
            .stdout(Stdio::piped())
            .spawn()
            .expect("the script starts");
        let mut log = BufReader::new(process.stdout.take().expect("its output")).lines().map_while(Result::ok);
        let started = log.by_ref().any(|line| line.contains("Kafka Server started"));
        // A process that writes into a full pipe blocks.
        std::thread::spawn(move || log.for_each(drop));
        let broker = Self { process, address: format!("127.0.0.1:{}", ports[0]), _folder: folder };
        assert!(started, "Kafka ended before it had started; it needs Java and Maven, see kafka.sh");
        broker
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.address);
        config
    }

    pub(crate) async fn create(&self, topic: &str, partitions: i32) {
        let admin: AdminClient<DefaultClientContext> = self.config().create().expect("a client");
        let topic = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        let created = admin.create_topics(&[topic], &AdminOptions::new()).await.expect("a response");
        created.into_iter().collect::<Result<Vec<_>, _>>().expect("the topic is created");
    }

    /// Kills it, with all that it knows.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("it ran");
        self.process.wait().expect("it has ended");
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // It may have been killed before.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}
