//! Writes a module.yaml.
//!
//! | module | contents |
//! |---|---|
//! | `clients` | properties of Kafka clients, from files |
//! | `documents` | endpoints, ingresses and egresses as documents |
//! | `properties` | Java .properties files |

mod clients;
mod documents;
mod properties;

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use saphyr::YamlEmitter;
use statefun_sdk::{BoxError, Connector, Registry};

use super::check;
use super::lambda::{MAX_RESPONSE_TIME, is_lambda};
use crate::config::{EgressArgs, FunctionArgs};
use crate::functions::{self, Application, Destinations};
use clients::Clients;
use documents::{Kafka, Settings, duration};

pub(super) const EXAMPLES: &str = "\
Examples:
  statefun-server module render --output module.yaml
  statefun-server module render --url http://functions:8000/statefun --kafka-address broker-1:9092,broker-2:9092
  statefun-server module render --ingress kinesis --egress kinesis --aws-region eu-central-1 --transport okhttp
  statefun-server module render --egress example/egress=kinesis:cart-status --application product-cart
  statefun-server module render --kafka-properties client.properties
  statefun-server module render --kafka-properties secret.json --kafka-properties parameters.json --output module.yaml";

const KAFKA_ADDRESS: &str = "kafka:9092";
const KAFKA_GROUP: &str = "statefun-server";
const URL: &str = "http://localhost:8000/statefun";
const CALL: Duration = Duration::from_secs(120);
const CONNECT: Duration = Duration::from_secs(10);
const TRANSACTION: Duration = Duration::from_secs(600);

/// Options of `module render`.
#[derive(Debug, Args)]
pub struct RenderArgs {
    /// The connector of all ingresses: kafka or kinesis
    #[arg(long, env = "STATEFUN_INGRESS", value_name = "KIND", default_value_t = Connector::Kafka)]
    ingress: Connector,
    #[command(flatten)]
    egresses: EgressArgs,
    #[command(flatten)]
    functions: FunctionArgs,
    /// The URL of this server for the cluster; {function.name} is replaced by the function's name
    #[arg(long, env = "STATEFUN_URL", value_name = "URL", default_value = URL)]
    url: String,
    /// The HTTP client of the cluster
    #[arg(long, env = "STATEFUN_TRANSPORT", value_name = "TRANSPORT", default_value = "async")]
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
    /// The most connections of a worker to this server; async only [default: the cluster's 1024]
    #[arg(long, env = "STATEFUN_POOL_SIZE", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i32::MAX as i64))]
    pool_size: Option<u32>,
    /// The brokers [default: bootstrap.servers of the properties, or kafka:9092]
    #[arg(long, env = "STATEFUN_KAFKA_ADDRESS", value_name = "HOST:PORT,…")]
    kafka_address: Option<String>,
    /// The consumer group [default: group.id of the properties, or statefun-server]
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
    #[arg(long, env = "STATEFUN_STARTUP_POSITION", value_name = "POSITION", default_value = "earliest")]
    startup_position: StartupPosition,
    /// The delivery guarantee of Kafka egresses
    ///
    /// With exactly-once, records are visible after the next checkpoint, to consumers that read committed records only.
    #[arg(long, env = "STATEFUN_DELIVERY", value_name = "GUARANTEE", default_value = "exactly-once")]
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
    /// Include only this application; can be repeated [default: all]
    #[arg(long = "application", env = "STATEFUN_APPLICATION", value_name = "NAME", value_delimiter = ',', value_parser = application_names())]
    applications: Vec<String>,
    /// Write to this file instead of standard output
    #[arg(long, env = "STATEFUN_OUTPUT", value_name = "FILE")]
    output: Option<PathBuf>,
}

fn application_names() -> clap::builder::PossibleValuesParser {
    functions::applications().iter().map(Application::name).collect::<Vec<_>>().into()
}

/// The HTTP clients of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Transport {
    /// The cluster's default: HTTP/1.1, mutual TLS, retries after any status
    Async,
    /// HTTP/2 over TLS, Unix sockets; most 4xx statuses fail the job at once
    Okhttp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StartupPosition {
    /// All existing records
    Earliest,
    /// Records that the consumer group has not read
    GroupOffsets,
    /// New records only
    Latest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Delivery {
    /// Each record once, for consumers that read committed records
    ExactlyOnce,
    /// Each record, some of them again after a restart
    AtLeastOnce,
}

/// The name of a value on the command line.
fn name_of(value: impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// Writes a module.
///
/// # Errors
/// When the options conflict; the error and the findings printed before it say how.
pub(super) fn run(args: &RenderArgs) -> Result<(), BoxError> {
    if args.ingress == Connector::Kinesis && args.startup_position == StartupPosition::GroupOffsets {
        return Err("--startup-position group-offsets: not supported by Kinesis, expected earliest or latest".into());
    }
    if args.pool_size.is_some() && args.transport == Transport::Okhttp {
        return Err("--pool-size: only supported by --transport async".into());
    }
    if is_lambda(&args.url) && args.call <= MAX_RESPONSE_TIME {
        let call = duration(args.call);
        return Err(format!("--call {call}: a response of AWS Lambda can take 30s; expected more than that").into());
    }
    let destinations = args.egresses.destinations()?;
    let applications: Vec<&Application> = functions::applications()
        .iter()
        .filter(|application| {
            args.applications.is_empty() || args.applications.iter().any(|name| name == application.name())
        })
        .collect();
    let text = render(args, &applications, &destinations)?;

    // A module with errors is not written.
    let functions = functions::all(&destinations, &args.functions.settings());
    let registry = Registry::builder().functions(functions).build()?;
    let report = check::check(text.as_bytes(), &registry, &destinations);
    for finding in &report.findings {
        eprintln!("{finding}");
    }
    if report.count(check::Severity::Error) > 0 {
        return Err("the options result in a module with errors, see above".into());
    }
    match &args.output {
        Some(path) => fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?,
        None => io::stdout().write_all(text.as_bytes())?,
    }
    Ok(())
}

fn render(args: &RenderArgs, applications: &[&Application], destinations: &Destinations) -> Result<String, BoxError> {
    let settings = args.functions.settings();
    let functions = applications.iter().flat_map(|application| application.functions(destinations, &settings));
    let registry = Registry::builder().functions(functions).build()?;
    let is_registered = |target| registry.functions().iter().any(|function| function.type_name() == target);
    let ingresses = applications.iter().flat_map(|application| application.ingresses());
    let ingresses = ingresses.filter(|ingress| is_registered(&ingress.target));
    let mut clients = Clients::read(&args.kafka_properties)?;
    let address = clients.take("bootstrap.servers")?;
    let group = clients.take("group.id")?;
    let reset = clients.take("auto.offset.reset")?;
    // Options override properties.
    let settings = Settings {
        args,
        kafka: Kafka {
            address: args.kafka_address.clone().or(address).unwrap_or_else(|| KAFKA_ADDRESS.to_owned()),
            group: args.kafka_group.clone().or(group).unwrap_or_else(|| KAFKA_GROUP.to_owned()),
            reset: reset.unwrap_or_else(|| name_of(StartupPosition::Earliest)),
            consumer: clients.consumer,
            producer: clients.producer,
        },
        kinesis_properties: read_properties(args.kinesis_properties.as_deref())?,
    };
    let mut text = header(args, &registry, destinations);
    for document in documents::all(&settings, &registry, ingresses, destinations)? {
        YamlEmitter::new(&mut text).dump(&document)?;
        text.push('\n');
    }
    Ok(text)
}

fn read_properties(path: Option<&Path>) -> Result<Vec<(String, String)>, BoxError> {
    let Some(path) = path else { return Ok(Vec::new()) };
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(properties::parse(&text).map_err(|error| format!("{}: {error}", path.display()))?)
}

/// A comment with the command that renders this module, including options from the environment.
fn header(args: &RenderArgs, registry: &Registry, destinations: &Destinations) -> String {
    let mut options = vec![("--ingress", args.ingress.to_string())];
    options.extend(egress_options(registry, destinations).into_iter().map(|option| ("--egress", option)));
    options.push(("--url", args.url.clone()));
    options.push(("--transport", name_of(args.transport)));
    let mut unless_default = |name, value: String, default: String| {
        if value != default {
            options.push((name, value));
        }
    };
    unless_default("--call", duration(args.call), duration(CALL));
    unless_default("--connect", duration(args.connect), duration(CONNECT));
    unless_default("--startup-position", name_of(args.startup_position), name_of(StartupPosition::Earliest));
    unless_default("--delivery", name_of(args.delivery), name_of(Delivery::ExactlyOnce));
    unless_default("--transaction-timeout", duration(args.transaction_timeout), duration(TRANSACTION));
    unless_default("--custom-thresholds", args.functions.custom_thresholds.to_string(), true.to_string());
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    for (name, value) in [
        ("--max-batch", args.max_batch.map(|batch| batch.to_string())),
        ("--pool-size", args.pool_size.map(|size| size.to_string())),
        ("--kafka-address", args.kafka_address.clone()),
        ("--kafka-group", args.kafka_group.clone()),
        ("--aws-region", args.aws_region.clone()),
        ("--kinesis-endpoint", args.kinesis_endpoint.clone()),
        ("--kinesis-properties", path(&args.kinesis_properties)),
    ] {
        options.extend(value.map(|value| (name, value)));
    }
    options.extend(args.kafka_properties.iter().map(|path| ("--kafka-properties", path.display().to_string())));
    options.extend(args.applications.iter().map(|name| ("--application", name.clone())));
    let mut text = "# For StateFun 3.3, made by\n#   statefun-server module render".to_owned();
    for (name, value) in options {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=@%+".contains(c);
        let value = if value.chars().all(plain) { value } else { format!("{value:?}") };
        let _ = write!(text, " {name} {value}");
    }
    text + "\n# Make it anew rather than change it. `statefun-server module check` tells whether it goes with the functions.\n"
}

/// The values of `--egress` for these destinations: a single one if all egresses have the same connector.
fn egress_options(registry: &Registry, destinations: &Destinations) -> Vec<String> {
    use statefun_sdk::Destination;

    let used = |egress: &statefun_sdk::Egress| registry.functions().iter().any(|function| function.egresses().any(|declared| declared == egress));
    let all: Vec<_> = destinations.iter().filter(|(egress, _)| used(egress)).collect();
    let kinesis: Vec<String> = all
        .iter()
        .filter_map(|(egress, destination)| match destination {
            Destination::Kinesis(stream) => Some(format!("{egress}=kinesis:{stream}")),
            Destination::Kafka(_) => None,
        })
        .collect();
    match kinesis.len() {
        0 => vec![Connector::Kafka.to_string()],
        count if count == all.len() => vec![Connector::Kinesis.to_string()],
        _ => kinesis,
    }
}
