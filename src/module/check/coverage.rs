//! The module beside the functions of this server: whether all that is sent and emitted has somewhere to go.

use std::collections::{BTreeMap, BTreeSet};

use statefun_sdk::{RegisteredFunction, Registry, TypeName};

use super::finding::{Findings, outcome};
use super::module::{Endpoint, Module, Route};
use crate::functions::{Connector, Destinations};

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

/// Whether an endpoint covers it. A module may cover some of the applications only.
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
            &route.target_field,
            format!("no endpoint covers {target}"),
            outcome::RESTARTS,
            format!("add an endpoint with functions: {}/*, or name a function that has one", target.namespace),
        );
    };
    // An endpoint for this very function may lead to another server; one for a namespace of ours leads here.
    if endpoint.whole_namespace
        && is_known_namespace(registry, &target.namespace)
        && !registry.functions().iter().any(|function| target.is(function.type_name()))
    {
        findings.error(
            &route.target_field,
            format!("this server has no function {target}"),
            "the server answers 404 to every message that comes this way, until the job restarts, for ever",
            format!("name one of {}", names_of(registry, &target.namespace).join(", ")),
        );
    }
}

fn names_of(registry: &Registry, namespace: &str) -> Vec<String> {
    let names = registry.functions().iter().map(RegisteredFunction::type_name);
    names.filter(|name| name.namespace() == namespace).map(ToString::to_string).collect()
}

/// Whether a target reads what its topic carries: `None` where the target is not ours.
fn accepts(registry: &Registry, route: &Route<'_>) -> Option<bool> {
    let function = registry.functions().iter().find(|function| route.target.is(function.type_name()))?;
    let value_type = route.value_type?;
    let accepts = function.accepts();
    Some(accepts.is_empty() || accepts.iter().any(|accepted| accepted.as_str() == value_type))
}

/// Messages of a type that a function does not accept are ignored with one line in the server's log.
fn check_value_types(findings: &mut Findings, module: &Module<'_>, registry: &Registry) {
    let mut by_topic: BTreeMap<(usize, &str), Vec<&Route<'_>>> = BTreeMap::new();
    for route in &module.routes {
        if let Some(field) = &route.value_type_field {
            by_topic.entry((field.document.number, &field.path)).or_default().push(route);
        }
    }
    for routes in by_topic.values() {
        let refusing: Vec<_> = routes.iter().filter(|route| accepts(registry, route) == Some(false)).collect();
        for route in &refusing {
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
            if refusing.len() == routes.len() {
                findings.error(field, wrong, ignored, format!("write {accepted}, or name a target that accepts it"));
            } else {
                findings.warning(&route.target_field, wrong, ignored, "remove the target, if it is not another's");
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
            &endpoint.field,
            format!("this server has no function {functions}"),
            "if it is this server that the URL leads to, it answers 404 until the job restarts, for ever",
            format!("name one of {}", names_of(registry, &functions.namespace).join(", ")),
        );
    }
}

/// Functions of a namespace that no endpoint names are not meant.
fn check_function(findings: &mut Findings, module: &Module<'_>, registry: &Registry, function: &RegisteredFunction) {
    let name = function.type_name();
    let Some(endpoint) = module.endpoint_of(name.namespace(), name.name()) else {
        if let Some(sibling) = module.of_namespace(name.namespace()).next() {
            findings.error(
                &sibling.field,
                format!("no endpoint covers {name}, though others of its namespace have one"),
                "the job fails at the first message to it, restarts and fails again, for ever",
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
                &endpoint.field,
                format!("{name} sends to {target}, which no endpoint covers"),
                "the job fails at the first such message, restarts and fails again, for ever",
                format!("add an endpoint with functions: {}/*", target.namespace()),
            );
        }
    }
}

/// "Unknown egress" and a record of the wrong kind are failures of the job (protocol §1, §2).
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
        let connector = destinations.of(egress).map(Connector::from);
        let kind =
            connector.map_or_else(String::new, |connector| format!(" of kind io.statefun.{connector}.v1/egress"));
        let Some(declared) = module.egresses.iter().find(|declared| declared.id.is(egress.id())) else {
            let wrong = format!("egress {egress} is not declared, but used by {names}");
            let remedy = format!("add an egress{kind} with id: {egress}");
            findings.module_error(
                None,
                wrong,
                "the job fails at the first record to it, restarts and fails again, for ever",
                remedy,
            );
            continue;
        };
        if let Some(connector) = connector
            && connector != declared.connector
        {
            findings.error(
                &declared.field,
                format!("records of {connector} come from {names}, but it is of {}", declared.connector),
                "the job fails at the first record, restarts and fails again, for ever",
                format!(
                    "declare it{kind}, or give the server and this check --egress {egress}={}:NAME",
                    declared.connector
                ),
            );
        }
    }
}
