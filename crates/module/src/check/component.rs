//! Endpoints, ingresses and egresses: their kinds and ids.

use super::field::Field;
use super::findings::{Findings, outcome};
use super::shape::{self, Shape, optional};
use super::values::Name;

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

/// The field `id`, which is checked where it is used.
pub(super) const ID: shape::Known = optional("id", Shape::Text);
