//! Compares the module with the functions of this server: whether all messages and records have a destination.

use std::collections::{BTreeMap, BTreeSet};

use statefun_sdk::{Destination, RegisteredFunction, Registry, TypeName};

use super::finding::{Findings, outcome};
use super::module::{Endpoint, Module, Route};
use crate::functions::Destinations;

pub(super) fn check(findings: &mut Findings, module: &Module<'_>, registry: &Registry, destinations: &Destinations) {
    for route in &module.routes {
        check_target(findings, module, registry, route);
    }
    check_value_types(findings, module, registry);
    for endpoint in &module.endpoints {
        check_endpoint(findings, registry, endpoint);
    }
    for function in registry.functions() {
        check_function(findings, module, registry, function);
    }
    check_egresses(findings, module, registry, destinations);
}

/// Whether an endpoint covers a function. A module may cover only some of the applications.
pub(super) fn is_covered(module: &Module<'_>, function: &TypeName) -> bool {
    module.endpoint_of(function.namespace(), function.name()).is_some()
}

fn is_known_namespace(registry: &Registry, namespace: &str) -> bool {
    registry.functions().iter().any(|function| function.type_name().namespace() == namespace)
}

/// "Cannot find a provider for type": protocol §2, cancellation tokens and below.
fn check_target(findings: &mut Findings, module: &Module<'_>, registry: &Registry, route: &Route<'_>) {
    let target = &route.target;
    let Some(endpoint) = module.endpoint_of(&target.namespace, &target.name) else {
        return findings.error(
            "target-without-endpoint",
            &route.target_field,
            format!("no endpoint covers {target}"),
            outcome::RESTARTS,
            format!("add an endpoint with functions: {}/*, or name a function that has one", target.namespace),
        );
    };
    // An endpoint for one function may be another server; an endpoint for a whole namespace of ours is this server.
    if endpoint.whole_namespace
        && is_known_namespace(registry, &target.namespace)
        && !registry.functions().iter().any(|function| target.is(function.type_name()))
    {
        findings.error(
            "unknown-target",
            &route.target_field,
            format!("this server has no function {target}"),
            "the server responds with 404 to every message on this route, and the job restarts in an endless loop",
            format!("name one of {}", names_of(registry, &target.namespace).join(", ")),
        );
    }
}

fn names_of(registry: &Registry, namespace: &str) -> Vec<String> {
    let names = registry.functions().iter().map(RegisteredFunction::type_name);
    names.filter(|name| name.namespace() == namespace).map(ToString::to_string).collect()
}

/// Whether a target accepts the value type of its topic; `None` if the target is not one of ours.
fn accepts(registry: &Registry, route: &Route<'_>) -> Option<bool> {
    let function = registry.functions().iter().find(|function| route.target.is(function.type_name()))?;
    let value_type = route.value_type?;
    let accepts = function.accepts();
    Some(accepts.is_empty() || accepts.iter().any(|accepted| accepted.as_str() == value_type))
}

/// A function ignores messages of a type that it does not accept, with one line in the server's log.
fn check_value_types(findings: &mut Findings, module: &Module<'_>, registry: &Registry) {
    let mut by_topic: BTreeMap<(usize, &str), Vec<&Route<'_>>> = BTreeMap::new();
    for route in &module.routes {
        if let Some(field) = &route.value_type_field {
            by_topic.entry((field.document.number, &field.path)).or_default().push(route);
        }
    }
    for routes in by_topic.values() {
        let rejecting: Vec<_> = routes.iter().filter(|route| accepts(registry, route) == Some(false)).collect();
        for route in &rejecting {
            let (Some(field), Some(value_type)) = (&route.value_type_field, route.value_type) else { continue };
            let accepted: BTreeSet<&str> = registry
                .functions()
                .iter()
                .filter(|function| route.target.is(function.type_name()))
                .flat_map(|function| function.accepts().iter().map(TypeName::as_str))
                .collect();
            let accepted = Vec::from_iter(accepted).join(" or ");
            let wrong = format!("{} does not accept {value_type}", route.target);
            let ignored = "the function ignores every record, with one line in the server's log";
            if rejecting.len() == routes.len() {
                findings.error(
                    "value-type-not-accepted",
                    field,
                    wrong,
                    ignored,
                    format!("write {accepted}, or name a target that accepts it"),
                );
            } else {
                findings.warning(
                    "value-type-not-accepted",
                    &route.target_field,
                    wrong,
                    ignored,
                    "remove the target, unless another server has it",
                );
            }
        }
    }
}

fn check_endpoint(findings: &mut Findings, registry: &Registry, endpoint: &Endpoint<'_>) {
    let functions = &endpoint.functions;
    if !endpoint.whole_namespace
        && is_known_namespace(registry, &functions.namespace)
        && !registry.functions().iter().any(|function| functions.is(function.type_name()))
    {
        findings.warning(
            "unknown-function",
            &endpoint.field,
            format!("this server has no function {functions}"),
            "if the URL is this server's, it responds with 404, and the job restarts in an endless loop",
            format!("name one of {}", names_of(registry, &functions.namespace).join(", ")),
        );
    }
}

/// Functions in namespaces without an endpoint are not checked.
fn check_function(findings: &mut Findings, module: &Module<'_>, registry: &Registry, function: &RegisteredFunction) {
    let name = function.type_name();
    let Some(endpoint) = module.endpoint_of(name.namespace(), name.name()) else {
        if let Some(sibling) = module.of_namespace(name.namespace()).next() {
            findings.error(
                "function-without-endpoint",
                &sibling.field,
                format!("no endpoint covers {name}, though others of its namespace have one"),
                "the job fails at the first message to it and restarts in an endless loop",
                format!("write functions: {}/*, or add an endpoint for {name}", name.namespace()),
            );
        }
        return;
    };
    for target in function.targets() {
        let reported = module.of_namespace(target.namespace()).next().is_some()
            && registry.functions().iter().any(|function| function.type_name() == target);
        if !is_covered(module, target) && !reported {
            findings.error(
                "send-without-endpoint",
                &endpoint.field,
                format!("{name} sends to {target}, which no endpoint covers"),
                "the job fails at the first such message and restarts in an endless loop",
                format!("add an endpoint with functions: {}/*", target.namespace()),
            );
        }
    }
}

/// An unknown egress and a record of the wrong kind both fail the job (protocol §1, §2).
fn check_egresses(findings: &mut Findings, module: &Module<'_>, registry: &Registry, destinations: &Destinations) {
    let mut emitters: BTreeMap<_, Vec<&TypeName>> = BTreeMap::new();
    for function in registry.functions().iter().filter(|function| is_covered(module, function.type_name())) {
        for egress in function.egresses() {
            emitters.entry(egress).or_default().push(function.type_name());
        }
    }
    for (egress, emitters) in emitters {
        let names: Vec<&str> = emitters.iter().map(|name| name.as_str()).collect();
        let names = names.join(", ");
        let connector = destinations.of(egress).map(Destination::connector);
        let kind =
            connector.map_or_else(String::new, |connector| format!(" of kind io.statefun.{connector}.v1/egress"));
        let Some(declared) = module.egresses.iter().find(|declared| declared.id.is(egress.id())) else {
            let wrong = format!("egress {egress} is not declared, but used by {names}");
            let remedy = format!("add an egress{kind} with id: {egress}");
            findings.module_error(
                "missing-egress",
                None,
                wrong,
                "the job fails at the first record to it and restarts in an endless loop",
                remedy,
            );
            continue;
        };
        if let Some(connector) = connector
            && connector != declared.connector
        {
            findings.error(
                "egress-connector-mismatch",
                &declared.field,
                format!("records of {connector} come from {names}, but it is of {}", declared.connector),
                "the job fails at the first record and restarts in an endless loop",
                format!(
                    "declare it{kind}, or pass --egress {egress}={}:NAME to the server and to this check",
                    declared.connector
                ),
            );
        }
    }
}
