use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use statefun_sdk::{BoxError, Connector, Contract};

use super::print;
use crate::{Delivery, RenderError, RenderOptions, StartupPosition, Transport, TransportTls, duration, render};

/// Options of `module render`.
#[derive(Debug, Args)]
pub struct RenderArgs {
    /// The connector of all ingresses: kafka or kinesis
    #[arg(long, env = "STATEFUN_INGRESS", value_name = "KIND", default_value_t = Connector::Kafka)]
    ingress: Connector,
    /// The URL of the functions for the cluster; {function.name} is replaced by the function's name
    #[arg(long, env = "STATEFUN_URL", value_name = "URL", default_value_t = RenderOptions::default().url)]
    url: String,
    /// The HTTP client of the cluster
    #[arg(long, env = "STATEFUN_TRANSPORT", value_name = "TRANSPORT", default_value_t = RenderOptions::default().transport)]
    transport: Transport,
    /// How long the cluster retries a request before the job fails and restarts
    ///
    /// For functions on AWS Lambda more than 30s, as a response can take that long.
    #[arg(long, env = "STATEFUN_CALL_TIMEOUT", value_name = "TIME", default_value = "2min", value_parser = humantime::parse_duration)]
    call: Duration,
    /// How long the cluster waits for a connection
    #[arg(long, env = "STATEFUN_CONNECT_TIMEOUT", value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    connect: Duration,
    /// How many messages may wait for one address before the cluster stops reading [default: the cluster's 1000]
    #[arg(long, env = "STATEFUN_MAX_BATCH", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i32::MAX as i64))]
    max_batch: Option<u32>,
    /// The most connections of a worker to the functions; async only [default: the cluster's 1024]
    #[arg(long, env = "STATEFUN_POOL_SIZE", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i32::MAX as i64))]
    pool_size: Option<u32>,
    /// The authorities of the functions' certificate (PEM), a file on the workers; async only [default: those of their Java]
    #[arg(long, env = "STATEFUN_TRUST_CACERTS", value_name = "FILE")]
    trust_cacerts: Option<String>,
    /// The cluster's certificate for mutual TLS (PEM), a file on the workers; async only
    #[arg(long, env = "STATEFUN_CLIENT_CERT", value_name = "FILE", requires = "client_key")]
    client_cert: Option<String>,
    /// Its private key (PEM, PKCS #8), a file on the workers
    #[arg(long, env = "STATEFUN_CLIENT_KEY", value_name = "FILE", requires = "client_cert")]
    client_key: Option<String>,
    /// The password of an encrypted key, a file on the workers
    #[arg(long, env = "STATEFUN_CLIENT_KEY_PASSWORD", value_name = "FILE", requires = "client_key")]
    client_key_password: Option<String>,
    /// The brokers [default: bootstrap.servers of the properties, or kafka:9092]
    #[arg(long, env = "STATEFUN_KAFKA_ADDRESS", value_name = "HOST:PORT,…")]
    kafka_address: Option<String>,
    /// The consumer group [default: group.id of the properties, or statefun-server for its own functions, or the first namespace]
    #[arg(long, env = "STATEFUN_KAFKA_GROUP", value_name = "GROUP")]
    kafka_group: Option<String>,
    /// A file with properties for Kafka clients, such as those for SASL and TLS; can be repeated
    ///
    /// A Java .properties file or JSON: an object of properties as stored in a secret, or the output of `aws
    /// secretsmanager get-secret-value` or `aws ssm get-parameters-by-path`. Parameters in a folder
    /// consumer_kafka_client are for ingresses only, those in producer_kafka_client for egresses only, all others for
    /// both. The last value of a property applies. auto.offset.reset (earliest or latest) becomes the
    /// autoOffsetResetPosition; properties of a schema registry client are skipped. The module contains the properties,
    /// including passwords: keep it as a secret.
    #[arg(long, env = "STATEFUN_KAFKA_PROPERTIES", value_name = "FILE", value_delimiter = ',')]
    kafka_properties: Vec<PathBuf>,
    /// The start position of a job that is not restored from a savepoint
    ///
    /// Such a job has no state. With earliest it reads all existing records and rebuilds its state: nothing is lost.
    /// With group-offsets it continues after the records that the last job of its group read, without that job's state;
    /// a new group starts at the earliest record. With latest it only reads records that arrive after its start. A job
    /// that is restored always continues at its savepoint. Kinesis has no group-offsets.
    #[arg(long, env = "STATEFUN_STARTUP_POSITION", value_name = "POSITION", default_value_t = RenderOptions::default().startup_position)]
    startup_position: StartupPosition,
    /// The delivery guarantee of Kafka egresses
    ///
    /// With exactly-once, records are visible after the next checkpoint, to consumers that read committed records only.
    #[arg(long, env = "STATEFUN_DELIVERY", value_name = "GUARANTEE", default_value_t = RenderOptions::default().delivery)]
    delivery: Delivery,
    /// The timeout of exactly-once transactions: longer than a checkpoint and a restart take together
    ///
    /// Brokers allow at most 15 min by default. Records that are not committed by then are lost.
    #[arg(long, env = "STATEFUN_TRANSACTION_TIMEOUT", value_name = "TIME", default_value = "10min", value_parser = humantime::parse_duration)]
    transaction_timeout: Duration,
    /// The region of Kinesis [default: that of the cluster's environment]
    #[arg(long, env = "STATEFUN_AWS_REGION", value_name = "REGION")]
    aws_region: Option<String>,
    /// A custom endpoint of Kinesis; https only
    #[arg(long, env = "STATEFUN_KINESIS_ENDPOINT", value_name = "URL", requires = "aws_region")]
    kinesis_endpoint: Option<String>,
    /// A Java .properties file with properties for Kinesis producers
    #[arg(long, env = "STATEFUN_KINESIS_PROPERTIES", value_name = "FILE")]
    kinesis_properties: Option<PathBuf>,
    /// Write to this file instead of standard output
    #[arg(long, env = "STATEFUN_OUTPUT", value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The command that writes a module, for the comment at its beginning.
#[derive(Debug)]
pub struct MadeBy {
    /// Program and command, such as `statefun module render`.
    pub program: &'static str,
    /// The options that decide about the functions, such as `("--egress", "kinesis")`.
    pub options: Vec<(String, String)>,
    /// See [`RenderOptions::default_kafka_group`].
    pub default_kafka_group: Option<String>,
}

impl RenderArgs {
    /// Writes the module of these functions, and prints what a check finds in it on standard error.
    ///
    /// # Errors
    /// When no module is written; the error says what to change.
    pub fn run(&self, contract: &Contract, made_by: &MadeBy) -> Result<(), BoxError> {
        let options = RenderOptions { default_kafka_group: made_by.default_kafka_group.clone(), ..self.options() };
        let (module, report) = match render(contract, &options) {
            Err(RenderError::Findings(findings)) => {
                print::findings(&mut anstream::stderr().lock(), &findings)?;
                return Err("the options result in a module with errors, see above".into());
            }
            other => other?,
        };
        print::findings(&mut anstream::stderr().lock(), &report.findings)?;
        let text = header(&options, made_by) + &module;
        match &self.output {
            Some(path) => fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?,
            None => print::all(&mut io::stdout().lock(), &text)?,
        }
        Ok(())
    }

    fn options(&self) -> RenderOptions {
        RenderOptions {
            ingress: self.ingress,
            url: self.url.clone(),
            transport: self.transport,
            call: self.call,
            connect: self.connect,
            max_batch: self.max_batch,
            pool_size: self.pool_size,
            tls: TransportTls {
                trust_cacerts: self.trust_cacerts.clone(),
                client_cert: self.client_cert.clone(),
                client_key: self.client_key.clone(),
                client_key_password: self.client_key_password.clone(),
            },
            kafka_address: self.kafka_address.clone(),
            kafka_group: self.kafka_group.clone(),
            default_kafka_group: None,
            kafka_properties: self.kafka_properties.clone(),
            startup_position: self.startup_position,
            delivery: self.delivery,
            transaction_timeout: self.transaction_timeout,
            aws_region: self.aws_region.clone(),
            kinesis_endpoint: self.kinesis_endpoint.clone(),
            kinesis_properties: self.kinesis_properties.clone(),
        }
    }
}

/// A comment with the command that writes this module, including options from the environment.
fn header(options: &RenderOptions, made_by: &MadeBy) -> String {
    let default = RenderOptions::default();
    let mut given = vec![("--ingress", options.ingress.to_string())];
    given.extend(made_by.options.iter().map(|(name, value)| (name.as_str(), value.clone())));
    given.push(("--url", options.url.clone()));
    given.push(("--transport", options.transport.to_string()));
    for (name, value, default) in [
        ("--call", duration::format(options.call), duration::format(default.call)),
        ("--connect", duration::format(options.connect), duration::format(default.connect)),
        ("--startup-position", options.startup_position.to_string(), default.startup_position.to_string()),
        ("--delivery", options.delivery.to_string(), default.delivery.to_string()),
        (
            "--transaction-timeout",
            duration::format(options.transaction_timeout),
            duration::format(default.transaction_timeout),
        ),
    ] {
        given.extend((value != default).then_some((name, value)));
    }
    for (name, value) in [
        ("--max-batch", options.max_batch.map(|batch| batch.to_string())),
        ("--pool-size", options.pool_size.map(|size| size.to_string())),
        ("--trust-cacerts", options.tls.trust_cacerts.clone()),
        ("--client-cert", options.tls.client_cert.clone()),
        ("--client-key", options.tls.client_key.clone()),
        ("--client-key-password", options.tls.client_key_password.clone()),
        ("--kafka-address", options.kafka_address.clone()),
        ("--kafka-group", options.kafka_group.clone()),
        ("--aws-region", options.aws_region.clone()),
        ("--kinesis-endpoint", options.kinesis_endpoint.clone()),
        ("--kinesis-properties", options.kinesis_properties.as_ref().map(|path| path.display().to_string())),
    ] {
        given.extend(value.map(|value| (name, value)));
    }
    given.extend(options.kafka_properties.iter().map(|path| ("--kafka-properties", path.display().to_string())));
    let mut text = format!("# For StateFun 3.3, made by\n#   {}", made_by.program);
    for (name, value) in given {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=@%+".contains(c);
        let value = if value.chars().all(plain) { value } else { format!("{value:?}") };
        let _ = write!(text, " {name} {value}");
    }
    text + "\n# Make it anew rather than change it; `module check` tells whether it still fits the functions.\n"
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        args: RenderArgs,
    }

    #[test]
    fn the_defaults_are_those_of_the_library() {
        assert_eq!(Program::parse_from(["program"]).args.options(), RenderOptions::default());
    }
}
