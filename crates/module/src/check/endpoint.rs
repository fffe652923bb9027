//! Endpoints: their functions, URL and transport.

use statefun_sdk::RequestReplyHandler;

use super::call;
use super::component::{Component, Kind, unreadable_name};
use super::field::Field;
use super::findings::{Findings, outcome};
use super::module::{Endpoint, Module};
use super::shape::{self, Known, Shape, optional, required};
use super::transport::{self, Client};
use super::values::{self, Name};
use crate::lambda::is_lambda;

const V2: &[Known] = &[
    required("functions", Shape::Text),
    required("urlPathTemplate", Shape::Text),
    optional("maxNumBatchRequests", Shape::WholeNumber),
    optional("transport", Shape::Map),
];
const V1: &[Known] = &[
    required("functions", Shape::Text),
    required("urlPathTemplate", Shape::Text),
    optional("maxNumBatchRequests", Shape::WholeNumber),
    optional("timeouts", Shape::Map),
];

pub(super) fn check<'a>(findings: &mut Findings, component: &Component<'a>, module: &mut Module<'a>) {
    let spec = &component.spec;
    let client = if component.kind == Kind::EndpointV1 { check_v1(findings, spec) } else { check_v2(findings, spec) };
    if let Some(batch) = spec.get("maxNumBatchRequests") {
        check_batch(findings, &batch);
    }
    if let Some(functions) = spec.get("functions") {
        check_functions(findings, functions, module);
    }
    if let (Some(template), Some(client)) = (spec.get("urlPathTemplate"), client) {
        check_url(findings, &template, client, spec);
    }
}

fn check_v2(findings: &mut Findings, spec: &Field<'_>) -> Option<Client> {
    for unknown in shape::check_known(findings, spec, V2, outcome::NO_START) {
        if unknown.path.ends_with(".timeouts") {
            let remedy = "write call and connect under transport, or use io.statefun.endpoints.v1/http";
            findings.error(
                "misplaced-timeouts",
                &unknown,
                "endpoints.v2 has its timeouts under transport",
                outcome::IGNORED,
                remedy,
            );
        } else {
            shape::report_unknown(findings, &unknown, V2);
        }
    }
    match spec.get("transport") {
        Some(transport) => transport::check(findings, &transport),
        None => Some(Client::Async),
    }
}

fn check_v1(findings: &mut Findings, spec: &Field<'_>) -> Option<Client> {
    for unknown in shape::check_known(findings, spec, V1, outcome::NO_START) {
        if unknown.path.ends_with(".transport") {
            let remedy = "use io.statefun.endpoints.v2/http, or write timeouts into the spec";
            findings.error(
                "misplaced-transport",
                &unknown,
                "endpoints.v1 always uses okhttp",
                outcome::IGNORED,
                remedy,
            );
        } else {
            shape::report_unknown(findings, &unknown, V1);
        }
    }
    if let Some(timeouts) = spec.get("timeouts") {
        transport::check_okhttp_timeouts(findings, &timeouts);
    }
    Some(Client::Okhttp)
}

/// `NAMESPACE/NAME` or `NAMESPACE/*`, and no other wildcard (runtime: `TargetFunctions`).
fn check_functions<'a>(findings: &mut Findings, field: Field<'a>, module: &mut Module<'a>) {
    let expected = "NAMESPACE/* or NAMESPACE/NAME";
    let Some(name) = field.text().and_then(Name::parse) else {
        return unreadable_name(findings, &field, expected);
    };
    let whole_namespace = name.name == "*";
    if name.namespace.contains('*') || (name.name.contains('*') && !whole_namespace) {
        let wrong = "a wildcard can only stand for a whole namespace";
        return findings.error("invalid-wildcard", &field, wrong, outcome::NO_START, format!("write {expected}"));
    }
    module.endpoints.push(Endpoint { functions: name, whole_namespace, field });
}

fn check_batch(findings: &mut Findings, batch: &Field<'_>) {
    let limit = RequestReplyHandler::INVOCATION_LIMIT;
    if batch.text().and_then(|text| text.parse::<usize>().ok()).is_some_and(|most| most > limit) {
        findings.error(
            "batch-too-large",
            batch,
            format!("requests of more than {limit} messages, which the functions reject"),
            "such a request is sent again until call has passed, then the job restarts, in an endless loop",
            format!("write {limit} at most, and 1000 (the default) unless there is a reason"),
        );
    }
}

fn check_url(findings: &mut Findings, template: &Field<'_>, client: Client, spec: &Field<'_>) {
    let transport = spec.get("transport");
    let Some(text) = template.text() else { return };
    let url = match values::url(text) {
        Ok(url) => url,
        Err(reason) => {
            let remedy = "write a URL such as http://functions:8000/statefun";
            return findings.error("invalid-url", template, format!("{text:?}: {reason}"), outcome::RESTARTS, remedy);
        }
    };
    match (url.scheme.as_str(), client) {
        ("http" | "https", _) => {}
        ("http+unix", Client::Async) => {
            let remedy = "use io.statefun.transports.v1/okhttp, or a host and a port";
            findings.error(
                "async-unix-socket",
                template,
                "async does not support Unix sockets",
                outcome::RESTARTS,
                remedy,
            );
        }
        // runtime: `UnixDomainHttpEndpoint`
        ("http+unix", Client::Okhttp) => {
            if !url.path.split('/').any(|part| part.ends_with(".sock")) {
                let remedy = "name a file that ends in .sock, such as http+unix:///run/functions.sock/statefun";
                findings.error(
                    "unix-socket-path",
                    template,
                    "no part of the path ends in .sock",
                    outcome::RESTARTS,
                    remedy,
                );
            }
        }
        // runtime: `Endpoint` of async checks for https and treats any other scheme as http.
        (scheme, Client::Async) => {
            let outcome = "the runtime silently treats it as http";
            findings.error(
                "unknown-url-scheme",
                template,
                format!("{scheme} is neither http nor https"),
                outcome,
                "write http or https",
            );
        }
        (scheme, Client::Okhttp) => {
            let wrong = format!("{scheme} is neither http nor https");
            findings.error("unknown-url-scheme", template, wrong, outcome::RESTARTS, "write http or https");
        }
    }
    if url.scheme == "http"
        && let Some(transport) = &transport
    {
        for field in transport::TLS.iter().filter_map(|name| transport.get(name)) {
            let wrong = "TLS option with an http URL";
            findings.error("tls-option-without-https", &field, wrong, outcome::IGNORED, "write https, or remove it");
        }
    }
    let fields = transport.as_ref().map_or_else(|| spec.get("timeouts"), |transport| transport.get("timeouts"));
    let timeouts = call::timeouts(client, transport.as_ref(), fields.as_ref());
    if is_lambda(text) {
        call::check_lambda(findings, template, timeouts);
    } else {
        call::check_server(findings, template, timeouts);
    }
}
