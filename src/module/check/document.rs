//! Parses documents into components: endpoints, ingresses, egresses. Also checks rules for all documents.

use std::collections::BTreeMap;

use super::field::{Field, Label};
use super::finding::{Findings, outcome};
use super::legacy;
use super::shape::{self, Shape, optional, required};
use super::values::Name;
use super::yaml::{Node, Value};

/// The kind of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    EndpointV1,
    EndpointV2,
    KafkaIngress,
    KafkaEgress,
    KinesisIngress,
    KinesisEgress,
    PlaygroundIngress,
    PlaygroundEgress,
}

/// The kinds with a binder in the stock runtime (protocol §4); the last two are in the playground's image only.
pub(super) const KINDS: [(&str, Kind); 8] = [
    ("io.statefun.endpoints.v1/http", Kind::EndpointV1),
    ("io.statefun.endpoints.v2/http", Kind::EndpointV2),
    ("io.statefun.kafka.v1/ingress", Kind::KafkaIngress),
    ("io.statefun.kafka.v1/egress", Kind::KafkaEgress),
    ("io.statefun.kinesis.v1/ingress", Kind::KinesisIngress),
    ("io.statefun.kinesis.v1/egress", Kind::KinesisEgress),
    ("io.statefun.playground.v1/ingress", Kind::PlaygroundIngress),
    ("io.statefun.playground.v1/egress", Kind::PlaygroundEgress),
];

/// An endpoint, an ingress or an egress.
#[derive(Debug)]
pub(super) struct Component<'a> {
    pub(super) kind: Kind,
    /// The id of an ingress or an egress, if it is valid.
    pub(super) id: Option<Name>,
    pub(super) id_field: Option<Field<'a>>,
    pub(super) spec: Field<'a>,
}

/// The components of all documents; invalid documents are reported as findings.
pub(super) fn components<'a>(findings: &mut Findings, documents: &'a [Node]) -> Vec<Component<'a>> {
    let documents: Vec<Field<'a>> =
        documents.iter().enumerate().map(|(position, node)| labelled(position, node)).collect();
    for document in &documents {
        check_tree(findings, document);
    }
    // Only a single document can have the old format (runtime: `JsonServiceLoader.isLegacySingleRootFormat`).
    if let [only] = documents.as_slice()
        && only.get("version").is_some()
    {
        return legacy::components(findings, only);
    }
    let filled = documents.iter().filter(|document| !document.node.is_null());
    filled.filter_map(|document| component(findings, document)).collect()
}

/// A document with its label: the id of an ingress or an egress, or the functions of an endpoint.
fn labelled(position: usize, node: &Node) -> Field<'_> {
    let document = Field::document(Label { number: position + 1, kind: None, id: None }, node);
    let id = document.at("spec.id").or_else(|| document.at("spec.functions")).and_then(|id| id.text());
    document.labelled(Label {
        kind: document.text_of("kind").map(str::to_owned),
        id: id.map(str::to_owned),
        number: position + 1,
    })
}

fn component<'a>(findings: &mut Findings, document: &Field<'a>) -> Option<Component<'a>> {
    const KNOWN: &[shape::Known] = &[required("kind", Shape::Text), required("spec", Shape::Map)];

    if !matches!(document.node.value, Value::Map(_)) {
        let wrong = format!("expected a mapping of kind and spec, found {}", document.what());
        findings.error("wrong-type", document, wrong, outcome::NO_START, "write kind and spec");
        return None;
    }
    for unknown in shape::check_known(findings, document, KNOWN, outcome::NO_START) {
        if unknown.path == "version" {
            let wrong = "version belongs to the old format, which is a single document";
            let outcome = "the job does not start, or the runtime silently ignores the version if there is a kind";
            findings.error(
                "version-in-current-format",
                &unknown,
                wrong,
                outcome,
                "create a module in the current format with `module render`",
            );
        } else {
            shape::report_unknown(findings, &unknown, KNOWN);
        }
    }
    let kind = document.get("kind")?;
    let kind = kind_of(findings, &kind, kind.text()?)?;
    let spec = document.get("spec").filter(|spec| matches!(spec.node.value, Value::Map(_)))?;
    Some(with_id(findings, kind, &spec, spec.clone()))
}

/// The component, with its id from the field `of` if its kind has an id.
pub(super) fn with_id<'a>(findings: &mut Findings, kind: Kind, of: &Field<'a>, spec: Field<'a>) -> Component<'a> {
    let mut component = Component { kind, id: None, id_field: of.get("id"), spec };
    if matches!(kind, Kind::EndpointV1 | Kind::EndpointV2 | Kind::PlaygroundIngress | Kind::PlaygroundEgress) {
        return component;
    }
    match &component.id_field {
        None => {
            findings.error(
                "missing-field",
                &of.absent("id"),
                "missing",
                outcome::NO_START,
                "add id, such as example/ingress",
            );
        }
        Some(field) => {
            component.id = field.text().and_then(Name::parse);
            if component.id.is_none() {
                unreadable_name(findings, field, "NAMESPACE/NAME");
            }
        }
    }
    component
}

/// Parses the name of a kind.
pub(super) fn kind_of(findings: &mut Findings, field: &Field<'_>, text: &str) -> Option<Kind> {
    let known: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
    let known = known.join(", ");
    let Some(name) = Name::parse(text) else {
        unreadable_name(findings, field, &format!("one of {known}"));
        return None;
    };
    match KINDS.iter().find(|(kind, _)| *kind == name.to_string()) {
        Some((_, kind @ (Kind::PlaygroundIngress | Kind::PlaygroundEgress))) => {
            let wrong = "this kind belongs to the playground";
            findings.warning(
                "playground-kind",
                field,
                wrong,
                "on a stock cluster the job does not start",
                "use it in the playground only",
            );
            Some(*kind)
        }
        Some((_, kind)) => Some(*kind),
        None => {
            findings.error(
                "unknown-kind",
                field,
                format!("unknown kind {text:?} in the stock runtime"),
                outcome::NO_START,
                format!("write one of {known}"),
            );
            None
        }
    }
}

/// Reports a name that `TypeName.parseFrom` rejects.
pub(super) fn unreadable_name(findings: &mut Findings, field: &Field<'_>, expected: &str) {
    let what = field.text().map_or_else(|| field.what().to_owned(), |text| format!("{text:?}"));
    findings.error(
        "invalid-type-name",
        field,
        format!("{what} is not a valid name, which has two parts separated by one '/'"),
        outcome::NO_START,
        format!("write {expected}"),
    );
}

/// Reports what the runtime's YAML parser silently accepts, anywhere in a document.
fn check_tree(findings: &mut Findings, field: &Field<'_>) {
    // Jackson passes an alias on as a string, the name of its anchor.
    if matches!(field.node.value, Value::Alias) {
        let outcome = "the runtime uses the name of the anchor as the value";
        findings.error("alias", field, "aliases are not resolved", outcome, "write the value itself");
    }
    let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
    for (key, entry) in field.entries() {
        if let Some(first) = lines.insert(key, entry.line) {
            let wrong = format!("duplicate key {key}, first in line {first}");
            findings.error("duplicate-key", &entry, wrong, "the last one silently applies", "remove one of them");
        }
        check_tree(findings, &entry);
    }
    for item in field.items() {
        check_tree(findings, &item);
    }
}

/// The field `id`, which is checked where it is used.
pub(super) const ID: shape::Known = optional("id", Shape::Text);
