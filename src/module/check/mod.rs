//! Reads a module.yaml as the runtime of StateFun 3.3 would, and compares it with the functions of this server.
//!
//! Each rule names what it rests on where that is not plain: "protocol" is the reference of the request-reply protocol
//! and of module.yaml, "runtime" a class of the runtime.
//!
//! | module | what lives there |
//! |---|---|
//! | `yaml`, `field` | the text as a tree, and places in it |
//! | `document`, `legacy` | from documents to components; the format of 3.0 |
//! | `shape` | which fields there are and what they hold |
//! | `values` | names, durations and URLs as the runtime reads them |
//! | `endpoint`, `gateway`, `transport`, `kafka`, `kinesis`, `position`, `routes` | rules for one component |
//! | `module`, `coverage` | rules for all together |
//! | `finding` | what comes of them |

mod coverage;
mod document;
mod endpoint;
mod field;
mod finding;
mod gateway;
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

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use statefun_sdk::{BoxError, Registry};

use crate::config::{EgressArgs, FunctionArgs};
use crate::functions::{self, Connector, Destinations};
use document::{Component, Kind};
use finding::{Findings, Severity, outcome};
use module::{Egress, Ingress, Module};

pub(super) const EXAMPLES: &str = "\
Examples:
  statefun-server module check module.yaml
  statefun-server module check module.yaml --egress kinesis
  statefun-server module check module.yaml --egress example/egress=kinesis:cart-status
  cat one/module.yaml two/module.yaml | statefun-server module check -

A job may have several modules. Check them together as one file; each but the first begins with a
line of ---.";

/// No module is as large by far; what is larger is another file.
const LARGEST: u64 = 4 * 1024 * 1024;

/// What to check.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The module.yaml; - is standard input
    file: PathBuf,
    #[command(flatten)]
    egresses: EgressArgs,
    #[command(flatten)]
    functions: FunctionArgs,
}

/// Checks a module and prints what there is to say of it.
///
/// # Errors
/// When there is no such file, or when the module has errors.
pub(super) fn run(args: &CheckArgs) -> Result<(), BoxError> {
    let destinations = args.egresses.destinations()?;
    let functions = functions::all(&destinations, &args.functions.settings());
    let registry = Registry::builder().functions(functions).build()?;
    let name = if args.file == Path::new("-") { "standard input".to_owned() } else { args.file.display().to_string() };
    let text = read(&args.file).map_err(|error| format!("{name}: {error}"))?;
    let report = check(&text, &registry, &destinations);
    let mut out = io::stdout().lock();
    for finding in &report.findings {
        writeln!(out, "{finding}")?;
    }
    let counts = format!("{}, {}", counted(report.errors, "error"), counted(report.warnings, "warning"));
    if report.errors > 0 {
        return Err(format!("{name}: {counts}").into());
    }
    writeln!(out, "{name}: fine ({counts})\n{}", report.summary)?;
    Ok(())
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let limit = LARGEST + 1;
    if path == Path::new("-") {
        io::stdin().lock().take(limit).read_to_end(&mut text)?;
    } else {
        File::open(path)?.take(limit).read_to_end(&mut text)?;
    }
    if text.len() as u64 > LARGEST {
        return Err(io::Error::other(format!("larger than {LARGEST} bytes: no module is")));
    }
    Ok(text)
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// What there is to say of a module.
pub(super) struct Report {
    pub(super) findings: Vec<String>,
    pub(super) errors: usize,
    pub(super) warnings: usize,
    /// What the module holds.
    summary: String,
}

/// Checks the text of a module.
pub(super) fn check(text: &[u8], registry: &Registry, destinations: &Destinations) -> Report {
    let mut findings = Findings::default();
    let mut summary = String::new();
    match std::str::from_utf8(text) {
        Err(error) => {
            let line = 1 + text[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
            findings.module_error(Some(line), "this is not UTF-8", outcome::NO_START, "write it as UTF-8");
        }
        Ok(text) => match yaml::read(text) {
            Err(yaml::Unreadable { line, reason }) => {
                let wrong = format!("this is not YAML: {reason}");
                findings.module_error(
                    Some(line),
                    wrong,
                    outcome::NO_START,
                    "write YAML; what comes after was not read",
                );
            }
            Ok(documents) => {
                let components = document::components(&mut findings, &documents);
                summary = check_components(&mut findings, &components, registry, destinations);
            }
        },
    }
    let (errors, warnings) = (findings.count(Severity::Error), findings.count(Severity::Warning));
    let findings = findings.into_sorted().iter().map(ToString::to_string).collect();
    Report { findings, errors, warnings, summary }
}

fn check_components(
    findings: &mut Findings,
    components: &[Component<'_>],
    registry: &Registry,
    destinations: &Destinations,
) -> String {
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
    coverage::check(findings, &module, registry, destinations);
    summary(&module, registry)
}

/// A job without an ingress or without a function is refused (runtime: `StatefulFunctionsUniverseValidator`).
fn check_presence(findings: &mut Findings, components: &[Component<'_>]) {
    let has = |kinds: &[Kind]| components.iter().any(|component| kinds.contains(&component.kind));
    // What could not be read as a component has been told already.
    if components.is_empty() && findings.count(Severity::Error) > 0 {
        return;
    }
    let remedy = "make one with `module render`, or check all modules of the job together";
    if !has(&[Kind::EndpointV1, Kind::EndpointV2]) {
        findings.module_error(None, "there is no endpoint", outcome::NO_START, remedy);
    }
    if !has(&[Kind::KafkaIngress, Kind::KinesisIngress, Kind::PlaygroundIngress]) {
        findings.module_error(None, "there is no ingress", outcome::NO_START, remedy);
    }
}

fn summary(module: &Module<'_>, registry: &Registry) -> String {
    let list = |names: Vec<String>| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let (covered, others): (Vec<_>, Vec<_>) = registry
        .functions()
        .iter()
        .map(|function| function.type_name())
        .partition(|name| coverage::is_covered(module, name));
    [
        ("endpoints", list(module.endpoints.iter().map(|endpoint| endpoint.functions.to_string()).collect())),
        ("ingresses", list(module.ingresses.iter().map(|ingress| ingress.id.to_string()).collect())),
        ("egresses", list(module.egresses.iter().map(|egress| egress.id.to_string()).collect())),
        ("functions of this server", list(covered.into_iter().map(ToString::to_string).collect())),
        ("functions left out", list(others.into_iter().map(ToString::to_string).collect())),
    ]
    .map(|(what, names)| format!("  {what}: {names}"))
    .join("\n")
}
