//! The format of StateFun 3.0: one document with a version, and all components in lists. 3.3 still reads it
//! (runtime: `LegacyRemoteModuleV30`), but no older formats (protocol §4).

use super::component::{Component, Kind, kind_of, with_id};
use super::field::{Field, Label};
use super::findings::{Findings, outcome};
use super::shape::{self, Known, Shape, optional, required};
use super::yaml::{ScalarType, Value};

const RENDER: &str = "create a module in the current format with `module render`";

/// The kinds that had other names in this format.
const KINDS: [(&str, Kind); 5] = [
    ("http", Kind::EndpointV1),
    ("io.statefun.kafka/ingress", Kind::KafkaIngress),
    ("io.statefun.kafka/egress", Kind::KafkaEgress),
    ("io.statefun.kinesis/ingress", Kind::KinesisIngress),
    ("io.statefun.kinesis/egress", Kind::KinesisEgress),
];

pub(super) fn components<'a>(findings: &mut Findings, document: &Field<'a>) -> Vec<Component<'a>> {
    const ROOT: &[Known] = &[required("version", Shape::Text), required("module", Shape::Map)];
    const MODULE: &[Known] = &[required("meta", Shape::Map), required("spec", Shape::Map)];
    const META: &[Known] = &[required("type", Shape::Text)];
    const SPEC: &[Known] =
        &[optional("endpoints", Shape::List), optional("ingresses", Shape::List), optional("egresses", Shape::List)];

    let Some(version) = document.get("version") else { return Vec::new() };
    if !check_version(findings, &version) {
        return Vec::new();
    }
    shape::check(findings, document, ROOT, outcome::NO_START);
    let Some(module) = document.get("module") else { return Vec::new() };
    shape::check(findings, &module, MODULE, outcome::NO_START);
    if let Some(meta) = module.get("meta") {
        shape::check(findings, &meta, META, outcome::NO_START);
        if let Some(kind) =
            meta.get("type").filter(|kind| kind.text().is_some_and(|t| !t.eq_ignore_ascii_case("remote")))
        {
            findings.error(
                "module-not-remote",
                &kind,
                "only remote modules are written in YAML",
                outcome::NO_START,
                "write remote",
            );
        }
    }
    let Some(spec) = module.get("spec") else { return Vec::new() };
    shape::check(findings, &spec, SPEC, outcome::NO_START);
    let mut components = Vec::new();
    for (list, entry, kind) in [
        ("endpoints", "endpoint", "meta.kind"),
        ("ingresses", "ingress", "meta.type"),
        ("egresses", "egress", "meta.type"),
    ] {
        for item in spec.get(list).iter().flat_map(Field::items) {
            components.extend(component(findings, &item, entry, kind));
        }
    }
    components
}

/// Whether 3.3 reads this format.
fn check_version(findings: &mut Findings, version: &Field<'_>) -> bool {
    let text = version.text().unwrap_or_default();
    let quoted = matches!(&version.node.value, Value::Scalar(scalar) if scalar.kind() == ScalarType::Text);
    match text {
        "3.0" if quoted => {
            let outcome = "endpoints always use okhttp, and options added after 3.0 are not available";
            findings.warning("legacy-format", version, "the format of StateFun 3.0", outcome, RENDER);
            return true;
        }
        "3.0" => findings.error(
            "wrong-type",
            version,
            "expected a string, found a number",
            outcome::NO_START,
            "write \"3.0\"",
        ),
        "1.0" | "2.0" => {
            let wrong = format!("format {text} belongs to StateFun 2.x");
            findings.error("outdated-format", version, wrong, outcome::NO_START, RENDER);
        }
        _ => findings.error(
            "unknown-format",
            version,
            format!("unknown format version {text:?}"),
            outcome::NO_START,
            RENDER,
        ),
    }
    false
}

fn component<'a>(findings: &mut Findings, item: &Field<'a>, entry: &str, kind_at: &str) -> Option<Component<'a>> {
    let Some(body) = item.get(entry) else {
        findings.error(
            "missing-field",
            &item.absent(entry),
            "missing",
            outcome::NO_START,
            format!("write {entry} with meta and spec"),
        );
        return None;
    };
    let label = Label {
        number: item.document.number,
        kind: body.at(kind_at).and_then(|kind| kind.text()).map(str::to_owned),
        id: body.at("meta.id").or_else(|| body.at("spec.functions")).and_then(|id| id.text()).map(str::to_owned),
    };
    let body = body.labelled(label);
    let Some(kind) = body.at(kind_at).filter(|kind| kind.text().is_some()) else {
        findings.error("missing-field", &body.absent(kind_at), "missing", outcome::NO_START, format!("add {kind_at}"));
        return None;
    };
    let text = kind.text()?;
    let known = KINDS.iter().find(|(name, _)| *name == text).map(|(_, kind)| *kind);
    let kind = known.or_else(|| kind_of(findings, &kind, text))?;
    let Some(spec) = body.get("spec").filter(|spec| matches!(spec.node.value, Value::Map(_))) else {
        findings.error("missing-field", &body.absent("spec"), "missing", outcome::NO_START, "add spec");
        return None;
    };
    Some(with_id(findings, kind, &body.get("meta")?, spec))
}
