//! Topics and streams: the type of their records, and their targets.

use std::collections::BTreeMap;

use super::component::unreadable_name;
use super::field::Field;
use super::findings::{Findings, outcome};
use super::module::{Module, Route};
use super::shape::{self, Shape, required};
use super::values::Name;
use super::yaml::{ScalarType, Value};

/// Checks `topics` of Kafka or `streams` of Kinesis; `name` is the field with the name of an item.
pub(super) fn check<'a>(findings: &mut Findings, list: &Field<'a>, name: &'static str, module: &mut Module<'a>) {
    let known = [required(name, Shape::Text), required("valueType", Shape::Text), required("targets", Shape::List)];
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for item in list.items() {
        if !matches!(item.node.value, Value::Map(_)) {
            let remedy = format!("write {name}, valueType and targets");
            findings.error(
                "wrong-type",
                &item,
                format!("expected a mapping, found {}", item.what()),
                outcome::NO_START,
                remedy,
            );
            continue;
        }
        shape::check(findings, &item, &known, outcome::NO_START);
        // The runtime collects them in a map by name.
        if let Some(text) = item.text_of(name)
            && let Some(first) = seen.insert(text, item.line)
        {
            let wrong = format!("duplicate {name} {text}, first in line {first}");
            findings.error(
                "duplicate-topic",
                &item,
                wrong,
                "the last one silently applies",
                "write all targets in one",
            );
        }
        check_value_type(findings, &item);
        check_targets(findings, &item, module);
    }
    if matches!(&list.node.value, Value::List(items) if items.is_empty()) {
        findings.error(
            "empty-list",
            list,
            format!("empty list of {name}s"),
            outcome::NO_START,
            format!("name a {name}"),
        );
    }
}

/// Unlike in other fields, the parser does not accept a number or a boolean here (runtime: `JsonNode.textValue`).
fn check_value_type(findings: &mut Findings, item: &Field<'_>) {
    if let Some(field) = item.get("valueType")
        && let Value::Scalar(scalar) = &field.node.value
        && matches!(scalar.kind(), ScalarType::Number | ScalarType::Boolean)
    {
        findings.error(
            "wrong-type",
            &field,
            format!("expected a string, found {}", field.what()),
            outcome::NO_START,
            "quote it",
        );
    }
}

fn check_targets<'a>(findings: &mut Findings, item: &Field<'a>, module: &mut Module<'a>) {
    let Some(targets) = item.get("targets") else { return };
    if matches!(&targets.node.value, Value::List(items) if items.is_empty()) {
        findings.error("empty-list", &targets, "empty list of targets", outcome::IGNORED, "name a target");
    }
    for target in targets.items() {
        let Some(name) = target.text().and_then(Name::parse) else {
            unreadable_name(findings, &target, "NAMESPACE/NAME of a function");
            continue;
        };
        if name.to_string().contains('*') {
            let outcome = "there is no function with this name: the job restarts in an endless loop";
            findings.error(
                "target-pattern",
                &target,
                "a target is one function, not a pattern",
                outcome,
                "name the function",
            );
            continue;
        }
        module.routes.push(Route {
            target: name,
            target_field: target,
            value_type: item.text_of("valueType"),
            value_type_field: item.get("valueType"),
        });
    }
}
