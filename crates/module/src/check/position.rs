//! `startupPosition`: the start position of a job that is not restored from a savepoint.

use chrono::DateTime;

use super::field::Field;
use super::findings::{Findings, outcome};
use super::shape::{self, Shape, optional, required};
use super::yaml::Value;

/// Checks the position; `types` are the ones of the kind. Both Kafka and Kinesis start at the end by default
/// (protocol §4).
pub(super) fn check(findings: &mut Findings, spec: &Field<'_>, types: &[&str]) {
    const LOST: &str =
        "a job that starts without a savepoint does not read the existing records: they are silently lost";

    let Some(position) = spec.get("startupPosition") else {
        let remedy = "add startupPosition with type: earliest, or latest if that is intended";
        return findings.warning(
            "startup-position-default",
            spec,
            "startupPosition is missing, the default is latest",
            LOST,
            remedy,
        );
    };
    let known = [required("type", Shape::Text), optional("date", Shape::Text), optional("offsets", Shape::List)];
    shape::check(findings, &position, &known, outcome::NO_START);
    let Some(kind) = position.get("type") else { return };
    if !shape::check_choice(findings, &kind, types) {
        return;
    }
    match kind.text() {
        Some("latest") => findings.warning(
            "startup-position-latest",
            &kind,
            "the job starts at the end",
            LOST,
            "write earliest unless that is intended",
        ),
        // The group has no offsets before its first checkpoint; until then `autoOffsetResetPosition` applies.
        Some("group-offsets") if !resets_to_earliest(spec) => findings.warning(
            "startup-position-group-offsets",
            &kind,
            "a group without committed offsets starts at autoOffsetResetPosition, which is latest",
            LOST,
            "add autoOffsetResetPosition: earliest",
        ),
        Some("date") => check_date(findings, &position),
        Some("specific-offsets") => check_offsets(findings, &position),
        _ => {}
    }
}

fn resets_to_earliest(spec: &Field<'_>) -> bool {
    spec.text_of("autoOffsetResetPosition").is_some_and(|text| text.eq_ignore_ascii_case("earliest"))
}

fn check_date(findings: &mut Findings, position: &Field<'_>) {
    const PATTERN: &str = "yyyy-MM-dd HH:mm:ss.SSS Z, such as 2026-01-31 08:00:00.000 +0000";

    let Some(date) = position.get("date") else {
        return findings.error(
            "missing-field",
            &position.absent("date"),
            "missing",
            outcome::NO_START,
            format!("add date: {PATTERN}"),
        );
    };
    let Some(text) = date.text() else { return };
    // chrono accepts more than the runtime, such as an offset with a colon.
    let template = "dddd-dd-dd dd:dd:dd.ddd ±dddd";
    let formed = text.chars().count() == template.chars().count()
        && text.chars().zip(template.chars()).all(|(c, t)| match t {
            'd' => c.is_ascii_digit(),
            '±' => matches!(c, '+' | '-'),
            t => c == t,
        });
    if !formed || DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.3f %z").is_err() {
        findings.error(
            "invalid-date",
            &date,
            format!("{text:?} is not a valid date"),
            outcome::NO_START,
            format!("write {PATTERN}"),
        );
    }
}

/// A list of `TOPIC/PARTITION: OFFSET` (runtime: `KafkaTopicPartition.fromString`).
fn check_offsets(findings: &mut Findings, position: &Field<'_>) {
    let remedy = "write offsets as a list of `- topic/partition: offset`";
    let Some(offsets) = position.get("offsets") else {
        return findings.error("missing-field", &position.absent("offsets"), "missing", outcome::NO_START, remedy);
    };
    let Value::List(items) = &offsets.node.value else { return };
    if items.is_empty() {
        findings.error("empty-list", &offsets, "empty list of offsets", outcome::NO_START, remedy);
    }
    for item in offsets.items() {
        let fine = item.entries().next().is_some_and(|(key, value)| {
            let partition = key.rsplit_once('/').filter(|(topic, _)| !topic.is_empty()).map(|(_, number)| number);
            let is_partition = partition.is_some_and(|number| number.parse::<i32>().is_ok_and(|number| number >= 0));
            is_partition && value.text().is_some_and(|offset| offset.parse::<i64>().is_ok())
        });
        if !fine {
            findings.error("invalid-offset", &item, "not an offset of a partition", outcome::NO_START, remedy);
        }
    }
}
