//! Writes a module.yaml.
//!
//! | module | what lives there |
//! |---|---|
//! | `clients` | the properties of Kafka's clients, from files |
//! | `documents` | endpoints, ingresses and egresses as documents |
//! | `properties` | .properties files of Java |

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
use statefun_sdk::{BoxError, Registry};

use super::check;
use super::lambda::{LONGEST_ANSWER, is_lambda};
use crate::config::{EgressArgs, FunctionArgs};
use crate::functions::{self, Application, Connector, Destinations};
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

/// What to write, and how.
#[derive(Debug, Args)]
pub struct RenderArgs {
    /// Where messages come from: kafka or kinesis
    #[arg(long, env = "STATEFUN_INGRESS", value_name = "KIND", default_value_t = Connector::Kafka)]
    ingress: Connector,
    #[command(flatten)]
    egresses: EgressArgs,
    #[command(flatten)]
    functions: FunctionArgs,
    /// Where the cluster finds this server; {function.name} stands for a function's name
    #[arg(long, env = "STATEFUN_URL", value_name = "URL", default_value = URL)]
    url: String,
    /// The HTTP client of the cluster
    #[arg(long, env = "STATEFUN_TRANSPORT", value_name = "TRANSPORT", default_value = "async")]
    transport: Transport,
    /// How long the cluster retries a request before the job fails and restarts
    ///
    /// For functions on AWS Lambda more than 30s, as one answer may take that long.
    #[arg(long, env = "STATEFUN_CALL_TIMEOUT", value_name = "TIME", default_value = "2min", value_parser = humantime::parse_duration)]
    call: Duration,
    /// How long it waits for a connection
    #[arg(long, env = "STATEFUN_CONNECT_TIMEOUT", value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    connect: Duration,
    /// How many messages may wait for one address before the cluster stops reading [default: the cluster's 1000]
    #[arg(long, env = "STATEFUN_MAX_BATCH", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i32::MAX as i64))]
    max_batch: Option<u32>,
    /// How many connections a worker may have to this server; async only [default: the cluster's 1024]
    #[arg(long, env = "STATEFUN_POOL_SIZE", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i32::MAX as i64))]
    pool_size: Option<u32>,
    /// The brokers [default: bootstrap.servers of the properties, or kafka:9092]
    #[arg(long, env = "STATEFUN_KAFKA_ADDRESS", value_name = "HOST:PORT,…")]
    kafka_address: Option<String>,
    /// The consumer group [default: group.id of the properties, or statefun-server]
    #[arg(long, env = "STATEFUN_KAFKA_GROUP", value_name = "GROUP")]
    kafka_group: Option<String>,
    /// Properties for the clients of Kafka, such as those of SASL and TLS; may be given several times
    ///
    /// A .properties file of Java, or JSON: an object of properties as a secret holds it, what `aws secretsmanager
    /// get-secret-value` prints, or what `aws ssm get-parameters-by-path` prints. Parameters in a folder
    /// consumer_kafka_client are for ingresses only, those in producer_kafka_client for egresses only, all else is for both.
    /// Of a property that comes twice the last one counts. auto.offset.reset (earliest or latest) becomes the
    /// autoOffsetResetPosition; what the client of a schema registry wants is left out. The module then holds what the files
    /// hold, passwords included: keep it as a secret.
    #[arg(long, env = "STATEFUN_KAFKA_PROPERTIES", value_name = "FILE", value_delimiter = ',')]
    kafka_properties: Vec<PathBuf>,
    /// Where a job begins to read that was not restored from a savepoint
    ///
    /// Such a job has no state. With earliest it reads all that the topics still hold and builds its state anew: nothing is
    /// lost. With group-offsets it goes on after what the last job of its group had read, without that job's state; a group
    /// that is new begins at the earliest. With latest it reads only what comes after its start. A job that is restored goes
    /// on where its savepoint was taken, whatever is said here. Kinesis has no group-offsets.
    #[arg(long, env = "STATEFUN_STARTUP_POSITION", value_name = "POSITION", default_value = "earliest")]
    startup_position: StartupPosition,
    /// What the egresses of Kafka guarantee
    ///
    /// Records of exactly-once are seen when the next checkpoint is done, by consumers that read committed records only.
    #[arg(long, env = "STATEFUN_DELIVERY", value_name = "GUARANTEE", default_value = "exactly-once")]
    delivery: Delivery,
    /// How long a transaction of exactly-once may stay open: longer than a checkpoint and a restart take together
    ///
    /// Brokers allow 15 min unless they are told otherwise. What is not committed by then is lost.
    #[arg(long, env = "STATEFUN_TRANSACTION_TIMEOUT", value_name = "TIME", default_value = "10min", value_parser = humantime::parse_duration)]
    transaction_timeout: Duration,
    /// The region of Kinesis [default: what the cluster's environment says]
    #[arg(long, env = "STATEFUN_AWS_REGION", value_name = "REGION")]
    aws_region: Option<String>,
    /// An endpoint of Kinesis of one's own; https only
    #[arg(long, env = "STATEFUN_KINESIS_ENDPOINT", value_name = "URL", requires = "aws_region")]
    kinesis_endpoint: Option<String>,
    /// Properties for the producers of Kinesis, from a .properties file of Java
    #[arg(long, env = "STATEFUN_KINESIS_PROPERTIES", value_name = "FILE")]
    kinesis_properties: Option<PathBuf>,
    /// Only this application; may be given several times [default: all]
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
    /// The cluster's default: HTTP/1.1, mutual TLS, retries whatever the status
    Async,
    /// HTTP/2 over TLS, Unix sockets; most 4xx statuses fail the job at once
    Okhttp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StartupPosition {
    /// All that there is
    Earliest,
    /// What the consumer group has not read
    GroupOffsets,
    /// What comes from now on
    Latest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Delivery {
    /// Each result once, for consumers that read committed records
    ExactlyOnce,
    /// Each result, some of them again after a restart
    AtLeastOnce,
}

/// The name of a value, as the command line has it.
fn name_of(value: impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// Writes a module.
///
/// # Errors
/// When the options do not go together; then the error and what is printed before it say how.
pub(super) fn run(args: &RenderArgs) -> Result<(), BoxError> {
    if args.ingress == Connector::Kinesis && args.startup_position == StartupPosition::GroupOffsets {
        return Err("--startup-position group-offsets: Kinesis knows earliest and latest".into());
    }
    if args.pool_size.is_some() && args.transport == Transport::Okhttp {
        return Err("--pool-size: only --transport async knows it".into());
    }
    if is_lambda(&args.url) && args.call <= LONGEST_ANSWER {
        let call = duration(args.call);
        return Err(format!("--call {call}: an answer of AWS Lambda may take 30s; expected more than that").into());
    }
    let destinations = args.egresses.destinations()?;
    let applications: Vec<&Application> = functions::applications()
        .iter()
        .filter(|application| {
            args.applications.is_empty() || args.applications.iter().any(|name| name == application.name())
        })
        .collect();
    let text = render(args, &applications, &destinations)?;

    // What would not work is not written.
    let functions = functions::all(&destinations, &args.functions.settings());
    let registry = Registry::builder().functions(functions).build()?;
    let report = check::check(text.as_bytes(), &registry, &destinations);
    for finding in &report.findings {
        eprintln!("{finding}");
    }
    if report.errors > 0 {
        return Err("the options make a module that does not work, see above".into());
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
    let is_there = |target| registry.functions().iter().any(|function| function.type_name() == target);
    let ingresses = applications.iter().flat_map(|application| application.ingresses());
    let ingresses = ingresses.filter(|ingress| is_there(&ingress.target));
    let mut clients = Clients::read(&args.kafka_properties)?;
    let address = clients.take("bootstrap.servers")?;
    let group = clients.take("group.id")?;
    let reset = clients.take("auto.offset.reset")?;
    // The options go before the properties.
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

/// Says how the module was made: the command whose options come to it, wherever they came from.
fn header(args: &RenderArgs, registry: &Registry, destinations: &Destinations) -> String {
    let mut options = vec![("--ingress", args.ingress.to_string())];
    options.extend(egress_options(registry, destinations).into_iter().map(|option| ("--egress", option)));
    options.push(("--url", args.url.clone()));
    options.push(("--transport", name_of(args.transport)));
    let mut unlike = |name, value: String, default: String| {
        if value != default {
            options.push((name, value));
        }
    };
    unlike("--call", duration(args.call), duration(CALL));
    unlike("--connect", duration(args.connect), duration(CONNECT));
    unlike("--startup-position", name_of(args.startup_position), name_of(StartupPosition::Earliest));
    unlike("--delivery", name_of(args.delivery), name_of(Delivery::ExactlyOnce));
    unlike("--transaction-timeout", duration(args.transaction_timeout), duration(TRANSACTION));
    unlike("--custom-thresholds", args.functions.custom_thresholds.to_string(), true.to_string());
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

/// The options by which the egresses lead where they do: one for all where all are of a kind.
fn egress_options(registry: &Registry, destinations: &Destinations) -> Vec<String> {
    use statefun_sdk::Destination;

    let used = |egress| registry.functions().iter().any(|function| function.egresses().contains(egress));
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
