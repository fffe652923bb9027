//! Reads a module.yaml like the runtime of StateFun 3.3, and compares it with the functions that it describes.
//!
//! Rules name their source if it is not obvious: "protocol" is the reference of the request-reply protocol and of
//! module.yaml, "runtime" is a class of the runtime.
//!
//! | module | contents |
//! |---|---|
//! | `yaml`, `field` | the text as a tree, and positions in it |
//! | `document`, `legacy` | parses documents into components; the format of 3.0 |
//! | `component` | endpoints, ingresses and egresses: their kinds and ids |
//! | `shape` | the known fields and their types |
//! | `values` | names, durations and URLs as the runtime reads them |
//! | `endpoint`, `transport`, `call` | rules for an endpoint: its functions and URL, the HTTP client, how long that waits |
//! | `kafka`, `kinesis` | rules for an ingress or an egress of either kind |
//! | `routes`, `position` | rules for both kinds of ingresses: their topics or streams with their targets; where they start |
//! | `module` | rules for all components together |
//! | `coverage` | rules for the module beside the functions |
//! | `findings` | collects what the rules find |

mod call;
mod component;
mod coverage;
mod document;
mod endpoint;
mod field;
mod findings;
mod kafka;
mod kinesis;
mod legacy;
mod module;
mod position;
mod routes;
mod shape;
mod transport;
mod values;
mod yaml;

use statefun_sdk::{Connector, Contract, TypeName};

use crate::finding::{Report, Summary};
use component::{Component, Kind};
use findings::{Findings, outcome};
use module::{Egress, Ingress, Module};

/// The largest module that is checked, in bytes: far more than any has.
pub const LARGEST_MODULE: usize = 4 * 1024 * 1024;

/// Checks the text of a module against the functions that it describes.
///
/// The module may cover only some of the functions: namespaces without an endpoint are not checked. Functions of several
/// servers are checked together by one contract that has all of them. Any text is accepted; one that is not UTF-8, not YAML or
/// larger than [`LARGEST_MODULE`] is a finding.
///
/// ```
/// use statefun_module::Severity;
/// use statefun_sdk::{Contract, Registry};
///
/// let no_functions = Contract::of(&Registry::builder().build()?);
/// let module = "kind: io.statefun.kafka.v1/egress\nspec:\n  id: example/egress\n";
/// let report = statefun_module::check(module.as_bytes(), &no_functions);
///
/// let missing = &report.findings[0];
/// assert_eq!((missing.severity(), missing.code(), missing.path()), (Severity::Error, "missing-field", "spec.address"));
/// assert_eq!(missing.place(), "document 1 (io.statefun.kafka.v1/egress example/egress)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn check(module: &[u8], contract: &Contract) -> Report {
    let mut findings = Findings::default();
    let mut summary = None;
    match read(module) {
        Err(Unreadable { code, line, wrong, remedy }) => findings.unreadable(code, line, wrong, remedy),
        Ok(documents) => {
            let components = document::components(&mut findings, &documents);
            summary = Some(check_components(&mut findings, &components, contract));
        }
    }
    Report { findings: findings.into_sorted(), summary }
}

/// Why a text is not read at all.
struct Unreadable {
    code: &'static str,
    line: usize,
    wrong: String,
    remedy: &'static str,
}

fn read(module: &[u8]) -> Result<Vec<yaml::Node>, Unreadable> {
    if module.len() > LARGEST_MODULE {
        let wrong = format!("more than {LARGEST_MODULE} bytes");
        return Err(Unreadable { code: "too-large", line: 1, wrong, remedy: "check a module.yaml" });
    }
    let text = std::str::from_utf8(module).map_err(|error| {
        let line = 1 + module[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        Unreadable { code: "invalid-utf8", line, wrong: "not UTF-8".to_owned(), remedy: "write it as UTF-8" }
    })?;
    yaml::read(text).map_err(|yaml::Unreadable { line, reason }| Unreadable {
        code: "invalid-yaml",
        line,
        wrong: format!("not YAML: {reason}"),
        remedy: "write YAML; the rest of the file was not checked",
    })
}

fn check_components(findings: &mut Findings, components: &[Component<'_>], contract: &Contract) -> Summary {
    let mut module = Module::default();
    for component in components {
        match component.kind {
            Kind::EndpointV1 | Kind::EndpointV2 => endpoint::check(findings, component, &mut module),
            Kind::KafkaIngress => kafka::check_ingress(findings, component, &mut module),
            Kind::KinesisIngress => kinesis::check_ingress(findings, component, &mut module),
            Kind::KafkaEgress => kafka::check_egress(findings, component),
            Kind::KinesisEgress => kinesis::check_egress(findings, component),
            Kind::PlaygroundIngress | Kind::PlaygroundEgress => {}
        }
        let (Some(id), Some(field)) = (component.id.clone(), component.id_field.clone()) else { continue };
        match component.kind {
            Kind::KafkaIngress | Kind::KinesisIngress => module.ingresses.push(Ingress { id, field }),
            Kind::KafkaEgress => module.egresses.push(Egress { id, connector: Connector::Kafka, field }),
            Kind::KinesisEgress => module.egresses.push(Egress { id, connector: Connector::Kinesis, field }),
            _ => {}
        }
    }
    check_presence(findings, components);
    module::check_duplicates(findings, &module);
    coverage::check(findings, &module, contract);
    summary(&module, contract)
}

/// The runtime rejects a job without an ingress or a function (runtime: `StatefulFunctionsUniverseValidator`).
fn check_presence(findings: &mut Findings, components: &[Component<'_>]) {
    let has = |kinds: &[Kind]| components.iter().any(|component| kinds.contains(&component.kind));
    // Documents that are not components have been reported already.
    if components.is_empty() && findings.has_errors() {
        return;
    }
    let remedy = "create one with `module render`, or check all modules of the job together";
    if !has(&[Kind::EndpointV1, Kind::EndpointV2]) {
        findings.module_error("missing-endpoint", "no endpoint", outcome::NO_START, remedy);
    }
    if !has(&[Kind::KafkaIngress, Kind::KinesisIngress, Kind::PlaygroundIngress]) {
        findings.module_error("missing-ingress", "no ingress", outcome::NO_START, remedy);
    }
}

fn summary(module: &Module<'_>, contract: &Contract) -> Summary {
    let (covered, left_out): (Vec<&TypeName>, Vec<_>) =
        contract.functions.keys().partition(|name| coverage::is_covered(module, name));
    let names = |names: Vec<&TypeName>| names.into_iter().map(ToString::to_string).collect();
    Summary {
        endpoints: module.endpoints.iter().map(|endpoint| endpoint.functions.to_string()).collect(),
        ingresses: module.ingresses.iter().map(|ingress| ingress.id.to_string()).collect(),
        egresses: module.egresses.iter().map(|egress| egress.id.to_string()).collect(),
        covered: names(covered),
        left_out: names(left_out),
    }
}
