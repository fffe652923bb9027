use std::time::Duration;

use saphyr::{Mapping, Scalar, ScalarStyle, Yaml};
use statefun_sdk::{Connector, Egress, Registry};

use super::super::lambda::{MAX_RESPONSE_TIME, is_lambda};
use super::super::number::is_number;
use super::clients::Properties;
use super::{Delivery, RenderArgs, Transport, name_of};
use crate::functions::{Destinations, Ingress};

/// The read timeout of okhttp for functions on AWS Lambda: longer than the longest response time.
const LAMBDA_READ: Duration = MAX_RESPONSE_TIME.saturating_add(Duration::from_secs(5));

/// The input of the documents.
pub(super) struct Settings<'a> {
    pub(super) args: &'a RenderArgs,
    pub(super) kafka: Kafka,
    pub(super) kinesis_properties: Properties,
}

pub(super) struct Kafka {
    pub(super) address: String,
    pub(super) group: String,
    /// `autoOffsetResetPosition`, which also applies to offsets that the broker no longer has.
    pub(super) reset: String,
    pub(super) consumer: Properties,
    pub(super) producer: Properties,
}

/// All documents of a module: endpoints, ingresses, egresses.
///
/// # Errors
/// When a function emits to an egress without a destination.
pub(super) fn all<'a>(
    settings: &Settings<'_>,
    registry: &Registry,
    ingresses: impl Iterator<Item = &'a Ingress>,
    destinations: &Destinations,
) -> Result<Vec<Yaml<'static>>, String> {
    let mut namespaces: Vec<&str> = Vec::new();
    let mut egresses: Vec<&Egress> = Vec::new();
    for function in registry.functions() {
        let namespace = function.type_name().namespace();
        if !namespaces.contains(&namespace) {
            namespaces.push(namespace);
        }
        for egress in function.egresses() {
            if !egresses.contains(&egress) {
                egresses.push(egress);
            }
        }
    }
    let mut documents: Vec<Yaml<'static>> =
        namespaces.into_iter().map(|namespace| endpoint(settings, namespace)).collect();
    documents.extend(ingresses.map(|ingress| match settings.args.ingress {
        Connector::Kafka => kafka_ingress(settings, ingress),
        Connector::Kinesis => kinesis_ingress(settings, ingress),
    }));
    for egress in egresses {
        let destination = destinations.of(egress).ok_or_else(|| format!("egress {egress} has no destination"))?;
        documents.push(match destination.connector() {
            Connector::Kafka => kafka_egress(settings, egress),
            Connector::Kinesis => kinesis_egress(settings, egress),
        });
    }
    Ok(documents)
}

fn endpoint(settings: &Settings<'_>, namespace: &str) -> Yaml<'static> {
    let args = settings.args;
    let mut spec = vec![("functions", text(format!("{namespace}/*"))), ("urlPathTemplate", text(&args.url))];
    spec.extend(args.max_batch.map(|batch| ("maxNumBatchRequests", number(batch))));
    let kind = ("type", text(format!("io.statefun.transports.v1/{}", name_of(args.transport))));
    let mut times = vec![("call", text(duration(args.call))), ("connect", text(duration(args.connect)))];
    let transport = match args.transport {
        Transport::Async => {
            times.insert(0, kind);
            times.extend(args.pool_size.map(|size| ("pool_size", number(size))));
            map(times)
        }
        Transport::Okhttp => {
            // Both are 10s by default, and must not be longer than `call`.
            if args.call < Duration::from_secs(10) {
                times.extend(["read", "write"].map(|name| (name, text(duration(args.call)))));
            } else if is_lambda(&args.url) {
                times.push(("read", text(duration(args.call.min(LAMBDA_READ)))));
            }
            map([kind, ("timeouts", map(times))])
        }
    };
    spec.push(("transport", transport));
    document("io.statefun.endpoints.v2/http", spec)
}

fn kafka_ingress(settings: &Settings<'_>, ingress: &Ingress) -> Yaml<'static> {
    let mut spec = vec![
        ("id", text(ingress.id.as_str())),
        ("address", text(&settings.kafka.address)),
        ("consumerGroupId", text(&settings.kafka.group)),
        ("startupPosition", map([("type", text(name_of(settings.args.startup_position)))])),
        ("autoOffsetResetPosition", text(&settings.kafka.reset)),
        ("topics", route("topic", ingress)),
    ];
    spec.extend(property_list("properties", &settings.kafka.consumer));
    document("io.statefun.kafka.v1/ingress", spec)
}

fn kafka_egress(settings: &Settings<'_>, egress: &Egress) -> Yaml<'static> {
    let mut semantic = vec![("type", text(name_of(settings.args.delivery)))];
    if settings.args.delivery == Delivery::ExactlyOnce {
        semantic.push(("transactionTimeout", text(duration(settings.args.transaction_timeout))));
    }
    let mut spec = vec![
        ("id", text(egress.id().as_str())),
        ("address", text(&settings.kafka.address)),
        ("deliverySemantic", map(semantic)),
    ];
    spec.extend(property_list("properties", &settings.kafka.producer));
    document("io.statefun.kafka.v1/egress", spec)
}

fn kinesis_ingress(settings: &Settings<'_>, ingress: &Ingress) -> Yaml<'static> {
    let mut spec = vec![("id", text(ingress.id.as_str()))];
    spec.extend(aws(settings.args));
    spec.push(("startupPosition", map([("type", text(name_of(settings.args.startup_position)))])));
    spec.push(("streams", route("stream", ingress)));
    document("io.statefun.kinesis.v1/ingress", spec)
}

fn kinesis_egress(settings: &Settings<'_>, egress: &Egress) -> Yaml<'static> {
    let mut spec = vec![("id", text(egress.id().as_str()))];
    spec.extend(aws(settings.args));
    spec.extend(property_list("clientConfigProperties", &settings.kinesis_properties));
    document("io.statefun.kinesis.v1/egress", spec)
}

/// Region and credentials. The credentials come from the cluster's environment, as they do not belong in a module.
fn aws(args: &RenderArgs) -> [(&'static str, Yaml<'static>); 2] {
    let region = match (&args.aws_region, &args.kinesis_endpoint) {
        (Some(region), Some(endpoint)) => {
            map([("type", text("custom-endpoint")), ("endpoint", text(endpoint)), ("id", text(region))])
        }
        (Some(region), None) => map([("type", text("specific")), ("id", text(region))]),
        (None, _) => map([("type", text("default"))]),
    };
    [("awsRegion", region), ("awsCredentials", map([("type", text("default"))]))]
}

fn route(name: &'static str, ingress: &Ingress) -> Yaml<'static> {
    list([map([
        (name, text(ingress.topic)),
        ("valueType", text(ingress.value_type.as_str())),
        ("targets", list([text(ingress.target.as_str())])),
    ])])
}

fn property_list(name: &'static str, properties: &[(String, String)]) -> Option<(&'static str, Yaml<'static>)> {
    let properties = properties.iter().map(|(name, value)| {
        let mut property = Mapping::new();
        property.insert(text(name), text(value));
        Yaml::Mapping(property)
    });
    (properties.len() > 0).then(|| (name, list(properties)))
}

fn document(kind: &str, spec: Vec<(&'static str, Yaml<'static>)>) -> Yaml<'static> {
    map([("kind", text(kind)), ("spec", map(spec))])
}

fn map(entries: impl IntoIterator<Item = (&'static str, Yaml<'static>)>) -> Yaml<'static> {
    Yaml::Mapping(entries.into_iter().map(|(name, value)| (text(name), value)).collect())
}

fn list(items: impl IntoIterator<Item = Yaml<'static>>) -> Yaml<'static> {
    Yaml::Sequence(items.into_iter().collect())
}

fn number(number: u32) -> Yaml<'static> {
    Yaml::Value(Scalar::Integer(number.into()))
}

fn text(text: impl Into<String>) -> Yaml<'static> {
    let text = text.into();
    if is_number(&text) {
        // The emitter only quotes numbers of YAML 1.2.
        return Yaml::Representation(text.into(), ScalarStyle::DoubleQuoted, None);
    }
    Yaml::Value(Scalar::String(text.into()))
}

/// Formats a duration for Flink's `TimeUtils`, in the largest unit that divides it.
pub(super) fn duration(time: Duration) -> String {
    let millis = time.as_millis();
    match millis {
        0 => "0ms".to_owned(),
        _ if millis.is_multiple_of(3_600_000) => format!("{}h", millis / 3_600_000),
        _ if millis.is_multiple_of(60_000) => format!("{}min", millis / 60_000),
        _ if millis.is_multiple_of(1000) => format!("{}s", millis / 1000),
        _ => format!("{millis}ms"),
    }
}
