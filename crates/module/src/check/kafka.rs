//! Kafka ingresses and egresses.

use std::time::Duration;

use super::component::{Component, ID};
use super::field::Field;
use super::findings::{Findings, outcome};
use super::module::Module;
use super::position;
use super::routes;
use super::shape::{self, Known, Shape, optional, required};
use super::values;

const INGRESS: &[Known] = &[
    ID,
    optional("address", Shape::Text),
    optional("consumerGroupId", Shape::Text),
    required("topics", Shape::List),
    optional("autoOffsetResetPosition", Shape::Text),
    optional("startupPosition", Shape::Map),
    optional("properties", Shape::Properties),
];
const EGRESS: &[Known] = &[
    ID,
    required("address", Shape::Text),
    optional("deliverySemantic", Shape::Map),
    optional("properties", Shape::Properties),
];

const POSITIONS: [&str; 5] = ["group-offsets", "earliest", "latest", "specific-offsets", "date"];

/// The default of a broker's `transaction.max.timeout.ms`.
const BROKER_LIMIT: Duration = Duration::from_secs(15 * 60);

pub(super) fn check_ingress<'a>(findings: &mut Findings, component: &Component<'a>, module: &mut Module<'a>) {
    let spec = &component.spec;
    shape::check(findings, spec, INGRESS, outcome::NO_START);
    // An ingress also reads both from its properties (runtime: `KafkaIngressSpec`); an egress does not.
    for (field, property) in [("address", "bootstrap.servers"), ("consumerGroupId", "group.id")] {
        if spec.get(field).is_none() && shape::property(spec, "properties", property).is_none() {
            findings.error("missing-field", &spec.absent(field), "missing", outcome::NO_START, format!("add {field}"));
        }
    }
    if let Some(reset) = spec.get("autoOffsetResetPosition")
        && let Some(text) = reset.text()
        && !["earliest", "latest"].contains(&text.to_ascii_lowercase().as_str())
    {
        findings.error(
            "unknown-value",
            &reset,
            format!("{text:?} is unknown"),
            outcome::NO_START,
            "write earliest or latest",
        );
    }
    position::check(findings, spec, &POSITIONS);
    check_login(findings, spec);
    if let Some(topics) = spec.get("topics") {
        routes::check(findings, &topics, "topic", module);
    }
}

pub(super) fn check_egress(findings: &mut Findings, component: &Component<'_>) {
    const KNOWN: &[Known] = &[
        required("type", Shape::Text),
        optional("transactionTimeout", Shape::Duration),
        optional("transactionTimeoutMillis", Shape::WholeNumber),
    ];

    shape::check(findings, &component.spec, EGRESS, outcome::NO_START);
    check_login(findings, &component.spec);
    let Some(semantic) = component.spec.get("deliverySemantic") else { return };
    shape::check(findings, &semantic, KNOWN, outcome::NO_START);
    let Some(kind) = semantic.get("type") else { return };
    if !shape::check_choice(findings, &kind, &["at-least-once", "exactly-once", "none"]) {
        return;
    }
    match kind.text() {
        Some("exactly-once") => {
            check_transaction(findings, &semantic);
            check_acks(findings, &component.spec);
        }
        Some("none") => {
            let outcome = "records are lost or duplicated after a failure";
            findings.warning(
                "no-delivery-guarantee",
                &kind,
                "no delivery guarantee",
                outcome,
                "write at-least-once or exactly-once",
            );
        }
        _ => {}
    }
}

/// Checks for SASL without a JAAS configuration, such as client settings without their secret.
fn check_login(findings: &mut Findings, spec: &Field<'_>) {
    let Some(properties) = spec.get("properties") else { return };
    let protocol = shape::property(spec, "properties", "security.protocol");
    if protocol.is_some_and(|protocol| protocol.to_ascii_uppercase().starts_with("SASL"))
        && shape::property(spec, "properties", "sasl.jaas.config").is_none()
    {
        findings.warning("sasl-without-jaas-config", 
            &properties,
            "security.protocol is SASL, but there is no sasl.jaas.config",
            "unless the JVMs have a JAAS configuration, the client cannot log in and the job restarts in an endless loop",
            "add sasl.jaas.config, which is in the secret of the Kafka cluster",
        );
    }
}

/// A transactional producer rejects any acks other than all (Kafka: `ProducerConfig`).
fn check_acks(findings: &mut Findings, spec: &Field<'_>) {
    let Some(properties) = spec.get("properties") else { return };
    if shape::property(spec, "properties", "acks").is_some_and(|acks| !["all", "-1"].contains(&acks)) {
        findings.error(
            "exactly-once-acks",
            &properties,
            "exactly-once with acks other than all",
            "the producer does not start: the job restarts in an endless loop",
            "write all, or remove acks",
        );
    }
}

/// Without a timeout the parser fails; one beyond the broker's limit fails the producer (protocol §4).
fn check_transaction(findings: &mut Findings, semantic: &Field<'_>) {
    // If both are set, the old field applies.
    let (field, timeout) = match (semantic.get("transactionTimeoutMillis"), semantic.get("transactionTimeout")) {
        (Some(millis), _) => {
            let timeout = millis.text().and_then(|text| text.parse().ok()).map(Duration::from_millis);
            (millis, timeout)
        }
        (None, Some(timeout)) => {
            let parsed = timeout.text().and_then(|text| values::duration(text).ok());
            (timeout, parsed)
        }
        (None, None) => {
            let remedy = "add transactionTimeout, such as 10 min: longer than a checkpoint and a restart take together";
            return findings.error(
                "exactly-once-without-timeout",
                semantic,
                "exactly-once without transactionTimeout",
                outcome::NO_START,
                remedy,
            );
        }
    };
    match timeout {
        Some(Duration::ZERO) => {
            findings.error(
                "zero-duration",
                &field,
                "a duration of zero",
                outcome::NO_START,
                "write a duration above 0, such as 10 min",
            );
        }
        Some(timeout) if timeout > BROKER_LIMIT => findings.warning(
            "long-transaction-timeout",
            &field,
            "longer than 15 min, the default limit of brokers",
            "a broker with a lower limit rejects the producer: the job restarts in an endless loop",
            "write at most 15 min, or raise transaction.max.timeout.ms of the brokers",
        ),
        _ => {}
    }
}
