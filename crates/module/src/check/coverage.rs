//! Compares the module with functions: whether all messages and records have a destination.

use std::collections::{BTreeMap, BTreeSet};

use statefun_sdk::{Connector, Contract, FunctionContract, TypeName};

use super::findings::{Findings, outcome};
use super::module::{Endpoint, Module, Route};
use super::values::Name;

pub(super) fn check(findings: &mut Findings, module: &Module<'_>, contract: &Contract) {
    for route in &module.routes {
        check_target(findings, module, contract, route);
    }
    check_value_types(findings, module, contract);
    for endpoint in &module.endpoints {
        check_endpoint(findings, contract, endpoint);
    }
    for (name, function) in &contract.functions {
        check_function(findings, module, contract, name, function);
    }
    check_egresses(findings, module, contract);
}

/// Whether an endpoint covers a function. A module may cover only some of the functions.
pub(super) fn is_covered(module: &Module<'_>, function: &TypeName) -> bool {
    module.endpoint_of(function.namespace(), function.name()).is_some()
}

fn is_known_namespace(contract: &Contract, namespace: &str) -> bool {
    contract.functions.keys().any(|function| function.namespace() == namespace)
}

fn known<'a>(contract: &'a Contract, name: &Name) -> Option<&'a FunctionContract> {
    contract.functions.iter().find(|(function, _)| name.is(function)).map(|(_, function)| function)
}

/// "Cannot find a provider for type": protocol §2, cancellation tokens and below.
fn check_target(findings: &mut Findings, module: &Module<'_>, contract: &Contract, route: &Route<'_>) {
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
    if endpoint.whole_namespace && is_known_namespace(contract, &target.namespace) && known(contract, target).is_none()
    {
        findings.error(
            "unknown-target",
            &route.target_field,
            format!("there is no function {target}"),
            "the server responds with 404 to every message on this route, and the job restarts in an endless loop",
            format!("name one of {}", names_of(contract, &target.namespace).join(", ")),
        );
    }
}

fn names_of(contract: &Contract, namespace: &str) -> Vec<String> {
    let names = contract.functions.keys().filter(|name| name.namespace() == namespace);
    names.map(ToString::to_string).collect()
}

/// Whether a target accepts the value type of its topic; `None` if the target is not known.
fn accepts(contract: &Contract, route: &Route<'_>) -> Option<bool> {
    let function = known(contract, &route.target)?;
    let value_type = route.value_type?;
    Some(function.accepts.is_empty() || function.accepts.iter().any(|accepted| accepted.as_str() == value_type))
}

/// A function ignores messages of a type that it does not accept, with one line in the server's log.
fn check_value_types(findings: &mut Findings, module: &Module<'_>, contract: &Contract) {
    let mut by_topic: BTreeMap<(usize, &str), Vec<&Route<'_>>> = BTreeMap::new();
    for route in &module.routes {
        if let Some(field) = &route.value_type_field {
            by_topic.entry((field.document.number, &field.path)).or_default().push(route);
        }
    }
    for routes in by_topic.values() {
        let rejecting: Vec<_> = routes.iter().filter(|route| accepts(contract, route) == Some(false)).collect();
        for route in &rejecting {
            let (Some(field), Some(value_type)) = (&route.value_type_field, route.value_type) else { continue };
            let accepted: BTreeSet<&str> = known(contract, &route.target)
                .into_iter()
                .flat_map(|function| function.accepts.iter().map(TypeName::as_str))
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

fn check_endpoint(findings: &mut Findings, contract: &Contract, endpoint: &Endpoint<'_>) {
    let functions = &endpoint.functions;
    if !is_known_namespace(contract, &functions.namespace) {
        findings.unchecked(
            "functions-not-seen",
            &endpoint.field,
            format!(
                "the functions of {functions} were not given to this check: whether they exist, accept their messages and \
                 have all egresses and targets is not known"
            ),
            "check the module with the functions of all its servers",
        );
    } else if !endpoint.whole_namespace && known(contract, functions).is_none() {
        findings.warning(
            "unknown-function",
            &endpoint.field,
            format!("there is no function {functions}"),
            "unless another server has it: the server responds with 404, and the job restarts in an endless loop",
            format!("name one of {}", names_of(contract, &functions.namespace).join(", ")),
        );
    }
}

/// Functions in namespaces without an endpoint are not checked.
fn check_function(
    findings: &mut Findings,
    module: &Module<'_>,
    contract: &Contract,
    name: &TypeName,
    function: &FunctionContract,
) {
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
    for target in &function.targets {
        let reported =
            module.of_namespace(target.namespace()).next().is_some() && contract.functions.contains_key(target);
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
fn check_egresses(findings: &mut Findings, module: &Module<'_>, contract: &Contract) {
    let mut emitters: BTreeMap<&TypeName, Vec<(&TypeName, Option<Connector>)>> = BTreeMap::new();
    for (name, function) in contract.functions.iter().filter(|(name, _)| is_covered(module, name)) {
        for (egress, connector) in &function.egresses {
            emitters.entry(egress).or_default().push((name, *connector));
        }
    }
    for (egress, emitters) in emitters {
        let names = |only: &dyn Fn(Option<Connector>) -> bool| {
            let emitters = emitters.iter().filter(|(_, connector)| only(*connector));
            emitters.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
        };
        let kind = |connector| format!("of kind io.statefun.{connector}.v1/egress");
        let Some(declared) = module.egresses.iter().find(|declared| declared.id.is(egress)) else {
            let connector = emitters.iter().find_map(|(_, connector)| *connector);
            let kind = connector.map_or_else(String::new, |connector| format!(" {}", kind(connector)));
            findings.module_error(
                "missing-egress",
                format!("egress {egress} is not declared, but used by {}", names(&|_| true)),
                "the job fails at the first record to it and restarts in an endless loop",
                format!("add an egress{kind} with id: {egress}"),
            );
            continue;
        };
        let unknown = names(&|connector| connector.is_none());
        if !unknown.is_empty() {
            findings.unchecked(
                "egress-connector-not-declared",
                &declared.field,
                format!("{unknown} did not declare whether its records are of Kafka or of Kinesis"),
                format!("declare it with emits_to, or pass --egress {egress}={}", declared.connector),
            );
        }
        let other = |connector: Option<Connector>| connector.is_some_and(|connector| connector != declared.connector);
        if let Some(connector) = emitters.iter().find_map(|(_, connector)| connector.filter(|one| other(Some(*one)))) {
            findings.error(
                "egress-connector-mismatch",
                &declared.field,
                format!("records of {connector} come from {}, but it is of {}", names(&other), declared.connector),
                "the job fails at the first record and restarts in an endless loop",
                format!("declare it {}, or have the functions emit records of {}", kind(connector), declared.connector),
            );
        }
    }
}
