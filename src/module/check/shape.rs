//! Which fields there are, which must be there, and what they hold.

use super::super::number::is_as_written;
use super::field::Field;
use super::finding::{Findings, outcome};
use super::values;
use super::yaml::{ScalarType, Value};

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A text; a number or a boolean is taken as it is written.
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

/// Checks the fields of a mapping; `outcome` is what a missing or misshapen one leads to.
pub(super) fn check(findings: &mut Findings, map: &Field<'_>, known: &[Known], outcome: &str) {
    for unknown in check_known(findings, map, known, outcome) {
        report_unknown(findings, &unknown, known);
    }
}

/// The same, but the fields that are not known are returned, for who has more to say of them.
pub(super) fn check_known<'a>(
    findings: &mut Findings,
    map: &Field<'a>,
    known: &[Known],
    outcome: &str,
) -> Vec<Field<'a>> {
    for field in known.iter().filter(|field| field.required && map.get(field.name).is_none()) {
        findings.error(map, format!("{} is missing", field.name), outcome, format!("add {}", field.name));
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

/// Unknown fields are ignored by both transports and by all kinds (protocol §3, §4).
pub(super) fn report_unknown(findings: &mut Findings, field: &Field<'_>, known: &[Known]) {
    let known: Vec<&str> = known.iter().map(|known| known.name).collect();
    let known = known.join(", ");
    findings.error(
        field,
        "there is no such field",
        outcome::IGNORED,
        format!("remove it, or write one of those that there are: {known}"),
    );
}

fn check_shape(findings: &mut Findings, field: &Field<'_>, shape: Shape, outcome: &str) {
    // Two rules of their own, see `document`.
    if matches!(field.node.value, Value::Alias) {
        return;
    }
    let expected = match shape {
        Shape::Text if field.text().is_some() => return check_number(findings, field),
        Shape::Text => "a text",
        Shape::WholeNumber if field.text().is_some_and(|text| text.parse::<i32>().is_ok()) => return,
        Shape::WholeNumber => "a whole number of at most 32 bits",
        Shape::Duration => match field.text().map(values::duration) {
            Some(Ok(_)) => return,
            Some(Err(reason)) => {
                return findings.error(field, reason, outcome, "write a duration such as 30s, 1 min or 500ms");
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
        field,
        format!("{} where {expected} is expected", field.what()),
        outcome,
        format!("write {expected}"),
    );
}

/// A number where a text belongs is taken as the runtime writes it (runtime: `JsonNode.asText`).
fn check_number(findings: &mut Findings, field: &Field<'_>) {
    if let Value::Scalar(scalar) = &field.node.value
        && scalar.kind() == ScalarType::Number
        && !is_as_written(&scalar.text)
    {
        let outcome = "it is taken as numbers are written there: 1_000 is 1000, 0b11 is 3, 017 is 15, 1.50 is 1.5";
        findings.warning(field, "a number where a text is expected", outcome, "quote it if the text is meant");
    }
}

/// The runtime takes the first entry of each item (runtime: `PropertiesJsonDeserializer`).
fn check_properties(findings: &mut Findings, list: &Field<'_>) {
    for item in list.items() {
        let mut entries = item.entries();
        match (entries.next(), entries.next()) {
            (Some((_, value)), None) if value.text().is_some() => check_number(findings, &value),
            (Some((_, value)), None) => findings.error(
                &value,
                format!("{} where the value of a property is expected", value.what()),
                "the property is set to a text that means nothing, such as an empty one or \"null\"",
                "write the value, or remove the property",
            ),
            (Some(_), Some((_, second))) => findings.error(
                &second,
                "two properties in one item",
                "the runtime takes the first of an item and passes over the others without a word",
                "begin it with a dash of its own",
            ),
            (None, _) => findings.error(
                &item,
                format!("{} where a property is expected", item.what()),
                outcome::NO_START,
                "write `- name: value`",
            ),
        }
    }
}

/// The value of a property, of several the last.
pub(super) fn property<'a>(spec: &Field<'a>, list: &str, name: &str) -> Option<&'a str> {
    spec.get(list)?.items().filter_map(|item| item.text_of(name)).last()
}

/// Checks a field that is one of some texts.
pub(super) fn check_choice(findings: &mut Findings, field: &Field<'_>, choices: &[&str]) -> bool {
    let Some(text) = field.text() else { return false };
    if choices.contains(&text) {
        return true;
    }
    let choices = choices.join(", ");
    findings.error(field, format!("{text:?} is unknown"), outcome::NO_START, format!("write one of {choices}"));
    false
}
