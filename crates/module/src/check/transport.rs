//! Transports: the runtime's HTTP clients `async` and `okhttp`, whose options differ.

use std::time::Duration;

use super::field::Field;
use super::findings::{Findings, outcome};
use super::shape::{self, Known, Shape, optional};
use super::values::{self, Name};

/// The HTTP clients of the runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Client {
    Async,
    Okhttp,
}

const TYPES: [(&str, Client); 2] =
    [("io.statefun.transports.v1/async", Client::Async), ("io.statefun.transports.v1/okhttp", Client::Okhttp)];

const ASYNC: &[Known] = &[
    optional("type", Shape::Text),
    optional("call", Shape::Duration),
    optional("connect", Shape::Duration),
    optional("pool_ttl", Shape::Duration),
    optional("pool_size", Shape::WholeNumber),
    optional("payload_max_bytes", Shape::WholeNumber),
    optional("trust_cacerts", Shape::Text),
    optional("client_cert", Shape::Text),
    optional("client_key", Shape::Text),
    optional("client_key_password", Shape::Text),
    optional("timeouts", Shape::Map),
];
const ASYNC_TIMEOUTS: &[Known] = &[optional("call", Shape::Duration), optional("connect", Shape::Duration)];
const OKHTTP: &[Known] = &[optional("type", Shape::Text), optional("timeouts", Shape::Map)];
const OKHTTP_TIMEOUTS: &[Known] = &[
    optional("call", Shape::Duration),
    optional("connect", Shape::Duration),
    optional("read", Shape::Duration),
    optional("write", Shape::Duration),
];

/// The TLS options of `async`.
pub(super) const TLS: [&str; 4] = ["trust_cacerts", "client_cert", "client_key", "client_key_password"];

/// Checks `transport` of a v2 endpoint; `None` if its type is invalid.
pub(super) fn check(findings: &mut Findings, transport: &Field<'_>) -> Option<Client> {
    let client = client(findings, transport)?;
    match client {
        Client::Async => check_async(findings, transport),
        Client::Okhttp => check_okhttp(findings, transport),
    }
    Some(client)
}

/// The default is `async` since 3.2, although the documentation says otherwise (protocol §3).
fn client(findings: &mut Findings, transport: &Field<'_>) -> Option<Client> {
    let Some(field) = transport.get("type") else { return Some(Client::Async) };
    let text = field.text().unwrap_or_default();
    let name = Name::parse(text).map(|name| name.to_string()).unwrap_or_default();
    let client = TYPES.iter().find(|(known, _)| *known == name).map(|(_, client)| *client);
    if client.is_none() {
        let [(first, _), (second, _)] = TYPES;
        let remedy = format!("write {first} or {second}");
        findings.error("unknown-transport", &field, format!("unknown transport {text:?}"), outcome::NO_START, remedy);
    }
    client
}

// The options are read with the first message for one of the endpoint's functions, hence `RESTARTS`.

fn check_async(findings: &mut Findings, transport: &Field<'_>) {
    for unknown in shape::check_known(findings, transport, ASYNC, outcome::RESTARTS) {
        match unknown.path.rsplit('.').next() {
            Some("read" | "write") => okhttp_only(findings, &unknown),
            _ => shape::report_unknown(findings, &unknown, ASYNC),
        }
    }
    let timeouts = transport.get("timeouts");
    if let Some(timeouts) = &timeouts {
        for unknown in shape::check_known(findings, timeouts, ASYNC_TIMEOUTS, outcome::RESTARTS) {
            match unknown.path.rsplit('.').next() {
                Some("read" | "write") => okhttp_only(findings, &unknown),
                _ => shape::report_unknown(findings, &unknown, ASYNC_TIMEOUTS),
            }
        }
        for (name, default) in [("call", "1 min"), ("connect", "10s")] {
            if let Some(shadowed) = transport.get(name) {
                let instead = timeouts.text_of(name).unwrap_or(default);
                findings.error(
                    "timeout-overridden",
                    &shadowed,
                    format!("timeouts overrides it, even for missing values: {name} is {instead}"),
                    outcome::IGNORED,
                    format!("write {name} in one place only"),
                );
            }
        }
        check_above_zero(findings, timeouts, &["call", "connect"]);
    }
    check_above_zero(findings, transport, &["call"]);
    if let Some(size) = transport.get("pool_size").filter(|size| is_below_one(size)) {
        findings.error(
            "number-below-one",
            &size,
            "a pool without connections",
            outcome::RESTARTS,
            "write a number above 0",
        );
    }
    for (there, lacking) in [("client_cert", "client_key"), ("client_key", "client_cert")] {
        if let (Some(field), None) = (transport.get(there), transport.get(lacking)) {
            let wrong = format!("{there} without {lacking}");
            findings.error(
                "incomplete-client-certificate",
                &field,
                wrong,
                outcome::RESTARTS,
                format!("add {lacking}: mutual TLS needs both"),
            );
        }
    }
}

fn okhttp_only(findings: &mut Findings, field: &Field<'_>) {
    let remedy = "remove it, or use io.statefun.transports.v1/okhttp";
    findings.error("okhttp-only", field, "this timeout is only supported by okhttp", outcome::IGNORED, remedy);
}

fn check_okhttp(findings: &mut Findings, transport: &Field<'_>) {
    for unknown in shape::check_known(findings, transport, OKHTTP, outcome::RESTARTS) {
        let name = unknown.path.rsplit('.').next().unwrap_or_default();
        if OKHTTP_TIMEOUTS.iter().any(|known| known.is(name)) {
            let remedy = format!("write {name} under timeouts");
            findings.error(
                "misplaced-timeouts",
                &unknown,
                "okhttp has its timeouts under timeouts",
                outcome::IGNORED,
                remedy,
            );
        } else if ASYNC.iter().any(|known| known.is(name)) {
            let remedy = "remove it, or use io.statefun.transports.v1/async";
            findings.error("async-only", &unknown, "this option is only supported by async", outcome::IGNORED, remedy);
        } else {
            shape::report_unknown(findings, &unknown, OKHTTP);
        }
    }
    if let Some(timeouts) = transport.get("timeouts") {
        check_okhttp_timeouts(findings, &timeouts);
    }
}

/// Checks `timeouts` of okhttp, which v1 endpoints have in their spec: each is above 0 and none is longer than `call`,
/// including defaults (runtime: `DefaultHttpRequestReplyClientSpec`).
pub(super) fn check_okhttp_timeouts(findings: &mut Findings, timeouts: &Field<'_>) {
    shape::check(findings, timeouts, OKHTTP_TIMEOUTS, outcome::RESTARTS);
    check_above_zero(findings, timeouts, &["call", "connect", "read", "write"]);
    let Some(call) = duration_or(timeouts, "call", Duration::from_secs(60)) else { return };
    for name in ["connect", "read", "write"] {
        let field = timeouts.get(name);
        if duration_or(timeouts, name, Duration::from_secs(10)).is_some_and(|time| time > call) {
            findings.error(
                "timeout-longer-than-call",
                &field.clone().unwrap_or_else(|| timeouts.absent(name)),
                format!("{name} is longer than call{}", if field.is_some() { "" } else { ", as it is 10s by default" }),
                outcome::RESTARTS,
                format!("write a {name} of at most call"),
            );
        }
    }
}

/// A duration, or its default if it is missing; `None` if it is invalid.
pub(super) fn duration_or(timeouts: &Field<'_>, name: &str, default: Duration) -> Option<Duration> {
    match timeouts.text_of(name) {
        Some(text) => values::duration(text).ok(),
        None => Some(default),
    }
}

fn check_above_zero(findings: &mut Findings, timeouts: &Field<'_>, names: &[&str]) {
    for field in names.iter().filter_map(|name| timeouts.get(name)) {
        if field.text().and_then(|text| values::duration(text).ok()) == Some(Duration::ZERO) {
            findings.error(
                "zero-duration",
                &field,
                "a duration of zero",
                outcome::RESTARTS,
                "write a duration above 0",
            );
        }
    }
}

fn is_below_one(field: &Field<'_>) -> bool {
    field.text().and_then(|text| text.parse::<i32>().ok()).is_some_and(|number| number < 1)
}
