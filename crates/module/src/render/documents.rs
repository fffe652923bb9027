use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use saphyr::{Mapping, Scalar, ScalarStyle, Yaml};
use statefun_sdk::{Connector, Contract, IngressContract, TypeName};

use super::clients::Properties;
use super::options::{Delivery, RenderOptions, Transport};
use crate::duration;
use crate::lambda::{MAX_RESPONSE_TIME, is_lambda};
use crate::number::is_number;

/// The read timeout of okhttp for functions on AWS Lambda: longer than the longest response time.
const LAMBDA_READ: Duration = MAX_RESPONSE_TIME.saturating_add(Duration::from_secs(5));

/// The input of the documents.
pub(super) struct Settings<'a> {
    pub(super) options: &'a RenderOptions,
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

/// All documents of a module: endpoints, ingresses, egresses, each in the order of their names.
///
/// # Errors
/// When it is not known whether an egress is of Kafka or of Kinesis.
pub(super) fn all(settings: &Settings<'_>, contract: &Contract) -> Result<Vec<Yaml<'static>>, String> {
    let mut namespaces = BTreeSet::new();
    let mut egresses: BTreeMap<&TypeName, Option<Connector>> = BTreeMap::new();
    for (name, function) in &contract.functions {
        namespaces.insert(name.namespace());
        for (egress, connector) in &function.egresses {
            let known = egresses.entry(egress).or_default();
            *known = known.or(*connector);
        }
    }
    let mut documents: Vec<Yaml<'static>> =
        namespaces.into_iter().map(|namespace| endpoint(settings, namespace)).collect();
    documents.extend(contract.ingresses.iter().map(|(id, ingress)| match settings.options.ingress {
        Connector::Kafka => kafka_ingress(settings, id, ingress),
        Connector::Kinesis => kinesis_ingress(settings, id, ingress),
    }));
    for (egress, connector) in egresses {
        documents.push(match connector {
            Some(Connector::Kafka) => kafka_egress(settings, egress),
            Some(Connector::Kinesis) => kinesis_egress(settings, egress),
            None => {
                return Err(format!(
                    "egress {egress}: no function declared whether its records are of Kafka or of Kinesis; declare it with \
                     emits_to, or pass --egress {egress}=kafka"
                ));
            }
        });
    }
    Ok(documents)
}

fn endpoint(settings: &Settings<'_>, namespace: &str) -> Yaml<'static> {
    let options = settings.options;
    let mut spec = vec![("functions", text(format!("{namespace}/*"))), ("urlPathTemplate", text(&options.url))];
    spec.extend(options.max_batch.map(|batch| ("maxNumBatchRequests", number(batch))));
    let kind = ("type", text(format!("io.statefun.transports.v1/{}", options.transport)));
    let mut times =
        vec![("call", text(duration::format(options.call))), ("connect", text(duration::format(options.connect)))];
    let transport = match options.transport {
        Transport::Async => {
            times.insert(0, kind);
            times.extend(options.pool_size.map(|size| ("pool_size", number(size))));
            times.extend(options.tls.options().map(|(name, file)| (name, text(file))));
            map(times)
        }
        Transport::Okhttp => {
            // Both are 10s by default, and must not be longer than `call`.
            if options.call < Duration::from_secs(10) {
                times.extend(["read", "write"].map(|name| (name, text(duration::format(options.call)))));
            } else if is_lambda(&options.url) {
                times.push(("read", text(duration::format(options.call.min(LAMBDA_READ)))));
            }
            map([kind, ("timeouts", map(times))])
        }
    };
    spec.push(("transport", transport));
    document("io.statefun.endpoints.v2/http", spec)
}

fn kafka_ingress(settings: &Settings<'_>, id: &TypeName, ingress: &IngressContract) -> Yaml<'static> {
    let mut spec = vec![
        ("id", text(id.as_str())),
        ("address", text(&settings.kafka.address)),
        ("consumerGroupId", text(&settings.kafka.group)),
        ("startupPosition", map([("type", text(settings.options.startup_position.to_string()))])),
        ("autoOffsetResetPosition", text(&settings.kafka.reset)),
        ("topics", route("topic", ingress)),
    ];
    spec.extend(property_list("properties", &settings.kafka.consumer));
    document("io.statefun.kafka.v1/ingress", spec)
}

fn kafka_egress(settings: &Settings<'_>, egress: &TypeName) -> Yaml<'static> {
    let mut semantic = vec![("type", text(settings.options.delivery.to_string()))];
    if settings.options.delivery == Delivery::ExactlyOnce {
        semantic.push(("transactionTimeout", text(duration::format(settings.options.transaction_timeout))));
    }
    let mut spec = vec![
        ("id", text(egress.as_str())),
        ("address", text(&settings.kafka.address)),
        ("deliverySemantic", map(semantic)),
    ];
    spec.extend(property_list("properties", &settings.kafka.producer));
    document("io.statefun.kafka.v1/egress", spec)
}

fn kinesis_ingress(settings: &Settings<'_>, id: &TypeName, ingress: &IngressContract) -> Yaml<'static> {
    let mut spec = vec![("id", text(id.as_str()))];
    spec.extend(aws(settings.options));
    spec.push(("startupPosition", map([("type", text(settings.options.startup_position.to_string()))])));
    spec.push(("streams", route("stream", ingress)));
    document("io.statefun.kinesis.v1/ingress", spec)
}

fn kinesis_egress(settings: &Settings<'_>, egress: &TypeName) -> Yaml<'static> {
    let mut spec = vec![("id", text(egress.as_str()))];
    spec.extend(aws(settings.options));
    spec.extend(property_list("clientConfigProperties", &settings.kinesis_properties));
    document("io.statefun.kinesis.v1/egress", spec)
}

/// Region and credentials. The credentials come from the cluster's environment, as they do not belong in a module.
fn aws(options: &RenderOptions) -> [(&'static str, Yaml<'static>); 2] {
    let region = match (&options.aws_region, &options.kinesis_endpoint) {
        (Some(region), Some(endpoint)) => {
            map([("type", text("custom-endpoint")), ("endpoint", text(endpoint)), ("id", text(region))])
        }
        (Some(region), None) => map([("type", text("specific")), ("id", text(region))]),
        (None, _) => map([("type", text("default"))]),
    };
    [("awsRegion", region), ("awsCredentials", map([("type", text("default"))]))]
}

fn route(name: &'static str, ingress: &IngressContract) -> Yaml<'static> {
    list([map([
        (name, text(&ingress.topic)),
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
