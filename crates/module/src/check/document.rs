//! Parses documents into components. Also checks rules for all documents.

use std::collections::BTreeMap;

use super::component::{Component, kind_of, with_id};
use super::field::{Field, Label};
use super::findings::{Findings, outcome};
use super::legacy;
use super::shape::{self, Shape, required};
use super::yaml::{Node, Value};

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
