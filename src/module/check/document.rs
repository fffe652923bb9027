//! From documents to components: endpoints, ingresses, egresses. Also what holds for any document.

use std::collections::BTreeMap;

use super::field::{Field, Label};
use super::finding::{Findings, outcome};
use super::legacy;
use super::shape::{self, Shape, optional, required};
use super::values::Name;
use super::yaml::{Node, Value};

/// What a component is.
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

/// The kinds that the stock runtime has a binder for (protocol §4); the last two are in the playground's image only.
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
    /// The id of an ingress or an egress, where it can be read.
    pub(super) id: Option<Name>,
    pub(super) id_field: Option<Field<'a>>,
    pub(super) spec: Field<'a>,
}

/// The components of all documents; what cannot be one is a finding.
pub(super) fn components<'a>(findings: &mut Findings, documents: &'a [Node]) -> Vec<Component<'a>> {
    let documents: Vec<Field<'a>> =
        documents.iter().enumerate().map(|(position, node)| labelled(position, node)).collect();
    for document in &documents {
        check_tree(findings, document);
    }
    // Only a single document can be of the old format (runtime: `JsonServiceLoader.isLegacySingleRootFormat`).
    if let [only] = documents.as_slice()
        && only.get("version").is_some()
    {
        return legacy::components(findings, only);
    }
    let filled = documents.iter().filter(|document| !document.node.is_null());
    filled.filter_map(|document| component(findings, document)).collect()
}

/// A document with what it is known by: the id of an ingress or an egress, the functions of an endpoint.
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
        let wrong = format!("{} where a mapping of kind and spec is expected", document.what());
        findings.error(document, wrong, outcome::NO_START, "write kind and spec");
        return None;
    }
    for unknown in shape::check_known(findings, document, KNOWN, outcome::NO_START) {
        if unknown.path == "version" {
            let wrong = "a version is that of the old format, which is one document alone";
            let outcome = "the job does not start, or the runtime passes over the version where there is a kind";
            findings.error(&unknown, wrong, outcome, "make a module of today's format with `module render`");
        } else {
            shape::report_unknown(findings, &unknown, KNOWN);
        }
    }
    let kind = document.get("kind")?;
    let kind = kind_of(findings, &kind, kind.text()?)?;
    let spec = document.get("spec").filter(|spec| matches!(spec.node.value, Value::Map(_)))?;
    Some(with_id(findings, kind, &spec, spec.clone()))
}

/// The component, with its id read from where it is, if its kind has one.
pub(super) fn with_id<'a>(findings: &mut Findings, kind: Kind, of: &Field<'a>, spec: Field<'a>) -> Component<'a> {
    let mut component = Component { kind, id: None, id_field: of.get("id"), spec };
    if matches!(kind, Kind::EndpointV1 | Kind::EndpointV2 | Kind::PlaygroundIngress | Kind::PlaygroundEgress) {
        return component;
    }
    match &component.id_field {
        None => findings.error(of, "id is missing", outcome::NO_START, "add id, such as example/ingress"),
        Some(field) => {
            component.id = field.text().and_then(Name::parse);
            if component.id.is_none() {
                unreadable_name(findings, field, "NAMESPACE/NAME");
            }
        }
    }
    component
}

/// What a kind's name means.
pub(super) fn kind_of(findings: &mut Findings, field: &Field<'_>, text: &str) -> Option<Kind> {
    let known: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
    let known = known.join(", ");
    let Some(name) = Name::parse(text) else {
        unreadable_name(findings, field, &format!("one of {known}"));
        return None;
    };
    match KINDS.iter().find(|(kind, _)| *kind == name.to_string()) {
        Some((_, kind @ (Kind::PlaygroundIngress | Kind::PlaygroundEgress))) => {
            let wrong = "this kind is the playground's";
            findings.warning(
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
                field,
                format!("the stock runtime has no kind {text:?}"),
                outcome::NO_START,
                format!("write one of {known}"),
            );
            None
        }
    }
}

/// A name that `TypeName.parseFrom` refuses.
pub(super) fn unreadable_name(findings: &mut Findings, field: &Field<'_>, expected: &str) {
    let what = field.text().map_or_else(|| field.what().to_owned(), |text| format!("{text:?}"));
    findings.error(
        field,
        format!("{what} cannot be read as a name: that is two parts with one '/' between them"),
        outcome::NO_START,
        format!("write {expected}"),
    );
}

/// What the runtime's YAML parser does in silence, anywhere in a document.
fn check_tree(findings: &mut Findings, field: &Field<'_>) {
    // Jackson hands an alias on as a text, the name of its anchor.
    if matches!(field.node.value, Value::Alias) {
        let taken = "the runtime takes the name of the anchor for the value";
        findings.error(field, "aliases are not resolved", taken, "write the value itself");
    }
    let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
    for (key, entry) in field.entries() {
        if let Some(first) = lines.insert(key, entry.line) {
            let wrong = format!("{key} is there twice, first in line {first}");
            findings.error(&entry, wrong, "the last one holds, without a word", "remove one of them");
        }
        check_tree(findings, &entry);
    }
    for item in field.items() {
        check_tree(findings, &item);
    }
}

/// Fields that are checked where they are used, whatever their document.
pub(super) const ID: shape::Known = optional("id", Shape::Text);
