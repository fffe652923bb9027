use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use statefun_sdk::Connector;

/// What a module needs to know beside the contract of its functions. The default is a Kafka cluster at `kafka:9092` and a
/// server at `localhost:8000`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderOptions {
    /// The connector of all ingresses.
    pub ingress: Connector,
    /// The URL of the functions for the cluster; `{function.name}` is replaced by the function's name.
    pub url: String,
    /// The HTTP client of the cluster.
    pub transport: Transport,
    /// How long the cluster retries a request before the job fails and restarts. For functions on AWS Lambda more than 30 s.
    pub call: Duration,
    /// How long the cluster waits for a connection.
    pub connect: Duration,
    /// How many messages may wait for one address before the cluster stops reading; `None` is the cluster's 1000.
    pub max_batch: Option<u32>,
    /// The most connections of a worker, for [`Transport::Async`] only; `None` is the cluster's 1024.
    pub pool_size: Option<u32>,
    /// The files, on the cluster's workers, by which it trusts the functions and authenticates itself.
    pub tls: TransportTls,
    /// The brokers, `HOST:PORT` and commas; `None` is `bootstrap.servers` of the properties, or `kafka:9092`.
    pub kafka_address: Option<String>,
    /// The consumer group; `None` is `group.id` of the properties, or `default_kafka_group`.
    pub kafka_group: Option<String>,
    /// The consumer group where nothing else names one; `None` is the first namespace of the functions, so that jobs do not
    /// commit offsets to the same group.
    pub default_kafka_group: Option<String>,
    /// Files with properties of Kafka clients: a Java .properties file, or JSON of a secret or of parameters. The module
    /// contains them, passwords included.
    pub kafka_properties: Vec<PathBuf>,
    /// The start position of a job that is not restored from a savepoint.
    pub startup_position: StartupPosition,
    /// The delivery guarantee of Kafka egresses.
    pub delivery: Delivery,
    /// The time-out of exactly-once transactions: longer than a checkpoint and a restart take together.
    pub transaction_timeout: Duration,
    /// The region of Kinesis; `None` is that of the cluster's environment.
    pub aws_region: Option<String>,
    /// A custom endpoint of Kinesis, https only.
    pub kinesis_endpoint: Option<String>,
    /// A Java .properties file with properties of Kinesis producers.
    pub kinesis_properties: Option<PathBuf>,
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self {
            ingress: Connector::Kafka,
            url: "http://localhost:8000/statefun".to_owned(),
            transport: Transport::Async,
            call: Duration::from_secs(120),
            connect: Duration::from_secs(10),
            max_batch: None,
            pool_size: None,
            tls: TransportTls::default(),
            kafka_address: None,
            kafka_group: None,
            default_kafka_group: None,
            kafka_properties: Vec::new(),
            startup_position: StartupPosition::Earliest,
            delivery: Delivery::ExactlyOnce,
            transaction_timeout: Duration::from_secs(600),
            aws_region: None,
            kinesis_endpoint: None,
            kinesis_properties: None,
        }
    }
}

/// The TLS files of [`Transport::Async`], for an https URL only. They are paths on the cluster's workers; with `classpath:` they are
/// in the job's JAR.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TransportTls {
    /// The authorities of the functions' certificate (PEM); `None` are those of the cluster's Java.
    pub trust_cacerts: Option<String>,
    /// The cluster's certificate (PEM), which functions with mutual TLS require.
    pub client_cert: Option<String>,
    /// Its private key (PEM, PKCS #8).
    pub client_key: Option<String>,
    /// A file with the password of the key, if that is encrypted.
    pub client_key_password: Option<String>,
}

impl TransportTls {
    /// The options that are set, by their name in the module.
    pub(crate) fn options(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let options = [
            ("trust_cacerts", &self.trust_cacerts),
            ("client_cert", &self.client_cert),
            ("client_key", &self.client_key),
            ("client_key_password", &self.client_key_password),
        ];
        options.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)))
    }
}

/// The HTTP clients of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "command", derive(clap::ValueEnum))]
pub enum Transport {
    /// The cluster's default: HTTP/1.1, mutual TLS, retries after any status
    Async,
    /// HTTP/2 over TLS, Unix sockets; most 4xx statuses fail the job at once
    Okhttp,
}

/// Where a job without a savepoint starts to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "command", derive(clap::ValueEnum))]
pub enum StartupPosition {
    /// All existing records
    Earliest,
    /// Records that the consumer group has not read
    GroupOffsets,
    /// New records only
    Latest,
}

/// The delivery guarantees of Kafka egresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "command", derive(clap::ValueEnum))]
pub enum Delivery {
    /// Each record once, for consumers that read committed records
    ExactlyOnce,
    /// Each record, some of them again after a restart
    AtLeastOnce,
}

/// The name in the module.
impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Async => "async",
            Self::Okhttp => "okhttp",
        })
    }
}

/// The name in the module.
impl fmt::Display for StartupPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Earliest => "earliest",
            Self::GroupOffsets => "group-offsets",
            Self::Latest => "latest",
        })
    }
}

/// The name in the module.
impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ExactlyOnce => "exactly-once",
            Self::AtLeastOnce => "at-least-once",
        })
    }
}
