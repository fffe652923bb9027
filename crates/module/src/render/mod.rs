//! Writes a module.yaml.
//!
//! | module | contents |
//! |---|---|
//! | `options` | what is not in the contract: addresses, times, guarantees |
//! | `clients` | properties of Kafka clients, from files |
//! | `documents` | endpoints, ingresses and egresses as documents |
//! | `properties` | Java .properties files |

mod clients;
mod documents;
mod options;
mod properties;

pub use options::{Delivery, RenderOptions, StartupPosition, Transport, TransportTls};

use std::fmt;
use std::path::Path;

use saphyr::YamlEmitter;
use statefun_sdk::{Connector, Contract};

use crate::lambda::{MAX_RESPONSE_TIME, is_lambda};
use crate::{Finding, Report, check, duration};
use clients::Clients;
use documents::{Kafka, Settings};

/// Writes the module.yaml of functions: one endpoint for each of their namespaces, their ingresses, and all egresses that they
/// emit to, those of dead letters included.
///
/// Topics and streams of egresses are in the records, not in the module. The report is that of [`check`](fn@check), without
/// errors.
///
/// ```
/// # use statefun_sdk::{Context, Contract, Function, FunctionError, Ingress, Registry, TypeName};
/// # async fn place(_: &mut Context, _: String) -> Result<(), FunctionError> { Ok(()) }
/// use statefun_module::{RenderOptions, render};
///
/// let orders =
///     Ingress::new("shop/orders", "orders", TypeName::new("io.statefun.types/string"), TypeName::new("shop/order"));
/// let functions = Registry::builder().function(Function::new("shop/order").on(place)).ingress(orders).build()?;
/// let (module, report) = render(&Contract::of(&functions), &RenderOptions::default())?;
/// assert!(module.contains("functions: shop/*") && report.findings.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When options conflict or a file cannot be read, when it is not known whether an egress is of Kafka or of Kinesis, and when
/// the module would have errors.
pub fn render(contract: &Contract, options: &RenderOptions) -> Result<(String, Report), RenderError> {
    if options.ingress == Connector::Kinesis && options.startup_position == StartupPosition::GroupOffsets {
        return invalid("--startup-position group-offsets: not supported by Kinesis, expected earliest or latest");
    }
    if options.pool_size.is_some() && options.transport == Transport::Okhttp {
        return invalid("--pool-size: only supported by --transport async");
    }
    if let (Some((name, _)), Transport::Okhttp) = (options.tls.options().next(), options.transport) {
        return invalid(format!("--{}: only supported by --transport async", name.replace('_', "-")));
    }
    if is_lambda(&options.url) && options.call <= MAX_RESPONSE_TIME {
        let call = duration::format(options.call);
        return invalid(format!("--call {call}: a response of AWS Lambda can take 30s; expected more than that"));
    }
    if contract.ingresses.is_empty() {
        return invalid(
            "no ingress, and a job needs one: declare it beside the functions, by RegistryBuilder::ingress(Ingress::new(…))",
        );
    }
    let text = write(contract, options).map_err(RenderError::Invalid)?;
    let report = check(text.as_bytes(), contract);
    if report.is_fine() { Ok((text, report)) } else { Err(RenderError::Findings(report.findings)) }
}

fn invalid<T>(text: impl Into<String>) -> Result<T, RenderError> {
    Err(RenderError::Invalid(text.into()))
}

/// Why no module is written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RenderError {
    /// What is wrong with the options, with their names on the command line, or with the contract.
    Invalid(String),
    /// The module that the options result in has errors.
    Findings(Vec<Finding>),
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(text) => f.write_str(text),
            Self::Findings(findings) => {
                f.write_str("the options result in a module with errors")?;
                findings.iter().try_for_each(|finding| write!(f, "\n{finding}"))
            }
        }
    }
}

impl std::error::Error for RenderError {}

fn write(contract: &Contract, options: &RenderOptions) -> Result<String, String> {
    let mut clients = Clients::read(&options.kafka_properties)?;
    let address = clients.take("bootstrap.servers")?;
    let group = clients.take("group.id")?;
    let reset = clients.take("auto.offset.reset")?;
    // Options override properties.
    let settings = Settings {
        options,
        kafka: Kafka {
            address: options.kafka_address.clone().or(address).unwrap_or_else(|| "kafka:9092".to_owned()),
            group: options
                .kafka_group
                .clone()
                .or(group)
                .or_else(|| options.default_kafka_group.clone())
                .or_else(|| contract.functions.keys().next().map(|name| name.namespace().to_owned()))
                .unwrap_or_default(),
            reset: reset.unwrap_or_else(|| StartupPosition::Earliest.to_string()),
            consumer: clients.consumer,
            producer: clients.producer,
        },
        kinesis_properties: read_properties(options.kinesis_properties.as_deref())?,
    };
    let mut text = String::new();
    for document in documents::all(&settings, contract)? {
        YamlEmitter::new(&mut text).dump(&document).map_err(|error| error.to_string())?;
        text.push('\n');
    }
    Ok(text)
}

fn read_properties(path: Option<&Path>) -> Result<Vec<(String, String)>, String> {
    let Some(path) = path else { return Ok(Vec::new()) };
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    properties::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
}
