//! Reads a module.yaml like the runtime of StateFun 3.3, and compares it with the functions of this server.
//!
//! Rules name their source if it is not obvious: "protocol" is the reference of the request-reply protocol and of
//! module.yaml, "runtime" is a class of the runtime.
//!
//! | module | contents |
//! |---|---|
//! | `yaml`, `field` | the text as a tree, and positions in it |
//! | `document`, `legacy` | parses documents into components; the format of 3.0 |
//! | `shape` | the known fields and their types |
//! | `values` | names, durations and URLs as the runtime reads them |
//! | `endpoint`, `gateway`, `transport`, `kafka`, `kinesis`, `position`, `routes` | rules for one component |
//! | `module`, `coverage` | rules for the whole module |
//! | `finding` | the results of the rules |

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

pub use finding::{Finding, Severity};

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use statefun_sdk::{BoxError, Connector, Registry};

use crate::config::{EgressArgs, FunctionArgs};
use crate::functions::{self, Destinations};
use document::{Component, Kind};
use finding::{Findings, outcome};
use module::{Egress, Ingress, Module};

pub(super) const EXAMPLES: &str = "\
Examples:
  statefun-server module check module.yaml
  statefun-server module check module.yaml --egress kinesis
  statefun-server module check module.yaml --egress example/egress=kinesis:cart-status
  cat one/module.yaml two/module.yaml | statefun-server module check -

A job can have several modules. Check them together as one file, separated by lines of ---.";

/// The largest accepted file, far larger than any module.
const MAX_SIZE: u64 = 4 * 1024 * 1024;

/// Options of `module check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The module.yaml; - is standard input
    file: PathBuf,
    #[command(flatten)]
    egresses: EgressArgs,
    #[command(flatten)]
    functions: FunctionArgs,
}

/// Checks a module and prints the findings.
///
/// # Errors
/// When the file cannot be read, or when the module has errors.
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
    let (errors, warnings) = (report.count(Severity::Error), report.count(Severity::Warning));
    let counts = format!("{}, {}", counted(errors, "error"), counted(warnings, "warning"));
    if errors > 0 {
        return Err(format!("{name}: {counts}").into());
    }
    writeln!(out, "{name}: fine ({counts})\n{}", report.summary)?;
    Ok(())
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let limit = MAX_SIZE + 1;
    if path == Path::new("-") {
        io::stdin().lock().take(limit).read_to_end(&mut text)?;
    } else {
        File::open(path)?.take(limit).read_to_end(&mut text)?;
    }
    if text.len() as u64 > MAX_SIZE {
        return Err(io::Error::other(format!("larger than {MAX_SIZE} bytes: not a module")));
    }
    Ok(text)
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// The result of a check.
#[derive(Debug)]
pub struct Report {
    /// The findings in the order of the file; those for the whole module come last.
    pub findings: Vec<Finding>,
    /// The endpoints, ingresses and egresses of the module, and the functions that it covers and leaves out, one line
    /// each; empty if the text cannot be read.
    pub summary: String,
}

impl Report {
    /// The number of findings with this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity() == severity).count()
    }
}

/// Checks the text of a module against the functions of a server and the destinations of its egresses.
///
/// ```
/// use statefun_sdk::Registry;
/// use statefun_server::functions::{self, Destinations, Settings};
/// use statefun_server::module::{self, Severity};
///
/// let destinations = Destinations::default();
/// let registry = Registry::builder().functions(functions::all(&destinations, &Settings::default())).build()?;
/// let module = "kind: io.statefun.kafka.v1/egress\nspec:\n  id: example/egress\n";
/// let report = module::check(module.as_bytes(), &registry, &destinations);
///
/// let missing = &report.findings[0];
/// assert_eq!((missing.severity(), missing.code(), missing.path()), (Severity::Error, "missing-field", "spec.address"));
/// assert_eq!(missing.document().as_deref(), Some("document 1 (io.statefun.kafka.v1/egress example/egress)"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn check(text: &[u8], registry: &Registry, destinations: &Destinations) -> Report {
    let mut findings = Findings::default();
    let mut summary = String::new();
    match std::str::from_utf8(text) {
        Err(error) => {
            let line = 1 + text[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
            findings.module_error("invalid-utf8", Some(line), "not UTF-8", outcome::NO_START, "write it as UTF-8");
        }
        Ok(text) => match yaml::read(text) {
            Err(yaml::Unreadable { line, reason }) => {
                let wrong = format!("not YAML: {reason}");
                findings.module_error(
                    "invalid-yaml",
                    Some(line),
                    wrong,
                    outcome::NO_START,
                    "write YAML; the rest of the file was not checked",
                );
            }
            Ok(documents) => {
                let components = document::components(&mut findings, &documents);
                summary = check_components(&mut findings, &components, registry, destinations);
            }
        },
    }
    Report { findings: findings.into_sorted(), summary }
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

/// The runtime rejects a job without an ingress or a function (runtime: `StatefulFunctionsUniverseValidator`).
fn check_presence(findings: &mut Findings, components: &[Component<'_>]) {
    let has = |kinds: &[Kind]| components.iter().any(|component| kinds.contains(&component.kind));
    // Documents that are not components have been reported already.
    if components.is_empty() && findings.has_errors() {
        return;
    }
    let remedy = "create one with `module render`, or check all modules of the job together";
    if !has(&[Kind::EndpointV1, Kind::EndpointV2]) {
        findings.module_error("missing-endpoint", None, "no endpoint", outcome::NO_START, remedy);
    }
    if !has(&[Kind::KafkaIngress, Kind::KinesisIngress, Kind::PlaygroundIngress]) {
        findings.module_error("missing-ingress", None, "no ingress", outcome::NO_START, remedy);
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
