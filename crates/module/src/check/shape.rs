//! The known fields, which of them are required, and their types.

use super::field::Field;
use super::findings::{Findings, outcome};
use super::values;
use super::yaml::{ScalarType, Value};
use crate::number::is_as_written;

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A string; a number or a boolean is converted to one.
    Text,
    WholeNumber,
    /// See [`values::duration`].
    Duration,
    Map,
    List,
    /// A list of mappings with one entry each.
    Properties,
}

/// A field that the runtime knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    name: &'static str,
    shape: Shape,
    required: bool,
}

impl Known {
    pub(super) fn is(&self, name: &str) -> bool {
        self.name == name
    }
}

pub(super) const fn required(name: &'static str, shape: Shape) -> Known {
    Known { name, shape, required: true }
}

pub(super) const fn optional(name: &'static str, shape: Shape) -> Known {
    Known { name, shape, required: false }
}

/// Checks the fields of a mapping; `outcome` is the outcome of a missing or invalid field.
pub(super) fn check(findings: &mut Findings, map: &Field<'_>, known: &[Known], outcome: &str) {
    for unknown in check_known(findings, map, known, outcome) {
        report_unknown(findings, &unknown, known);
    }
}

/// Like [`check`], but returns the unknown fields, so that the caller can report them with more detail.
pub(super) fn check_known<'a>(
    findings: &mut Findings,
    map: &Field<'a>,
    known: &[Known],
    outcome: &str,
) -> Vec<Field<'a>> {
    for field in known.iter().filter(|field| field.required && map.get(field.name).is_none()) {
        findings.error("missing-field", &map.absent(field.name), "missing", outcome, format!("add {}", field.name));
    }
    let mut unknown = Vec::new();
    for (name, field) in map.entries() {
        match known.iter().find(|known| known.name == name) {
            Some(known) => check_shape(findings, &field, known.shape, outcome),
            None => unknown.push(field),
        }
    }
    unknown
}

/// Both transports and all kinds ignore unknown fields (protocol §3, §4).
pub(super) fn report_unknown(findings: &mut Findings, field: &Field<'_>, known: &[Known]) {
    let known: Vec<&str> = known.iter().map(|known| known.name).collect();
    let known = known.join(", ");
    findings.error(
        "unknown-field",
        field,
        "unknown field",
        outcome::IGNORED,
        format!("remove it, or write one of {known}"),
    );
}

fn check_shape(findings: &mut Findings, field: &Field<'_>, shape: Shape, outcome: &str) {
    // Aliases have a rule of their own, see `document`.
    if matches!(field.node.value, Value::Alias) {
        return;
    }
    let expected = match shape {
        Shape::Text if field.text().is_some() => return check_number(findings, field),
        Shape::Text => "a string",
        Shape::WholeNumber if field.text().is_some_and(|text| text.parse::<i32>().is_ok()) => return,
        Shape::WholeNumber => "a whole number of at most 32 bits",
        Shape::Duration => match field.text().map(values::duration) {
            Some(Ok(_)) => return,
            Some(Err(reason)) => {
                return findings.error(
                    "invalid-duration",
                    field,
                    reason,
                    outcome,
                    "write a duration such as 30s, 1 min or 500ms",
                );
            }
            None => "a duration",
        },
        Shape::Map if matches!(field.node.value, Value::Map(_)) => return,
        Shape::Map => "a mapping",
        Shape::List if matches!(field.node.value, Value::List(_)) => return,
        Shape::List => "a list",
        Shape::Properties if matches!(field.node.value, Value::List(_)) => return check_properties(findings, field),
        Shape::Properties => "a list of properties, each `- name: value`",
    };
    findings.error(
        "wrong-type",
        field,
        format!("expected {expected}, found {}", field.what()),
        outcome,
        format!("write {expected}"),
    );
}

/// A number in place of a string is converted to text by the runtime (runtime: `JsonNode.asText`).
fn check_number(findings: &mut Findings, field: &Field<'_>) {
    if let Value::Scalar(scalar) = &field.node.value
        && scalar.kind() == ScalarType::Number
        && !is_as_written(&scalar.text)
    {
        let outcome = "the number is converted to text: 1_000 to 1000, 0b11 to 3, 017 to 15, 1.50 to 1.5";
        findings.warning(
            "number-as-text",
            field,
            "expected a string, found a number",
            outcome,
            "quote it to keep it as written",
        );
    }
}

/// The runtime reads the first entry of each item (runtime: `PropertiesJsonDeserializer`).
fn check_properties(findings: &mut Findings, list: &Field<'_>) {
    for item in list.items() {
        let mut entries = item.entries();
        match (entries.next(), entries.next()) {
            (Some((_, value)), None) if value.text().is_some() => check_number(findings, &value),
            (Some((_, value)), None) => findings.error(
                "invalid-property-value",
                &value,
                format!("expected the value of a property, found {}", value.what()),
                "the property is set to a meaningless string, such as an empty one or \"null\"",
                "write the value, or remove the property",
            ),
            (Some(_), Some((_, second))) => findings.error(
                "two-properties",
                &second,
                "two properties in one item",
                "the runtime uses the first property of an item and silently ignores the others",
                "start each property with its own dash",
            ),
            (None, _) => findings.error(
                "wrong-type",
                &item,
                format!("expected a property, found {}", item.what()),
                outcome::NO_START,
                "write `- name: value`",
            ),
        }
    }
}

/// The value of a property; if there are several, the last one.
pub(super) fn property<'a>(spec: &Field<'a>, list: &str, name: &str) -> Option<&'a str> {
    spec.get(list)?.items().filter_map(|item| item.text_of(name)).last()
}

/// Checks a field with a fixed set of values.
pub(super) fn check_choice(findings: &mut Findings, field: &Field<'_>, choices: &[&str]) -> bool {
    let Some(text) = field.text() else { return false };
    if choices.contains(&text) {
        return true;
    }
    let choices = choices.join(", ");
    findings.error(
        "unknown-value",
        field,
        format!("{text:?} is unknown"),
        outcome::NO_START,
        format!("write one of {choices}"),
    );
    false
}
