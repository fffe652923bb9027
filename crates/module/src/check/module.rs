use std::collections::BTreeMap;

use super::field::Field;
use super::findings::{Findings, outcome};
use super::values::Name;
use statefun_sdk::Connector;

/// The components of a module, for rules that check several of them.
#[derive(Debug, Default)]
pub(super) struct Module<'a> {
    pub(super) endpoints: Vec<Endpoint<'a>>,
    pub(super) ingresses: Vec<Ingress<'a>>,
    pub(super) routes: Vec<Route<'a>>,
    pub(super) egresses: Vec<Egress<'a>>,
}

#[derive(Debug)]
pub(super) struct Endpoint<'a> {
    /// `NAMESPACE/NAME`, or `NAMESPACE/*` for the whole namespace.
    pub(super) functions: Name,
    pub(super) whole_namespace: bool,
    pub(super) field: Field<'a>,
}

#[derive(Debug)]
pub(super) struct Ingress<'a> {
    pub(super) id: Name,
    pub(super) field: Field<'a>,
}

/// A route from a topic or a stream to one of its targets.
#[derive(Debug)]
pub(super) struct Route<'a> {
    pub(super) target: Name,
    pub(super) target_field: Field<'a>,
    pub(super) value_type: Option<&'a str>,
    pub(super) value_type_field: Option<Field<'a>>,
}

#[derive(Debug)]
pub(super) struct Egress<'a> {
    pub(super) id: Name,
    pub(super) connector: Connector,
    pub(super) field: Field<'a>,
}

impl Module<'_> {
    /// The most specific endpoint for a function, as the runtime chooses it.
    pub(super) fn endpoint_of(&self, namespace: &str, name: &str) -> Option<&Endpoint<'_>> {
        let specific = self.of_namespace(namespace).find(|endpoint| endpoint.functions.name == name);
        specific.or_else(|| self.of_namespace(namespace).find(|endpoint| endpoint.whole_namespace))
    }

    /// All endpoints that name this namespace.
    pub(super) fn of_namespace(&self, namespace: &str) -> impl Iterator<Item = &Endpoint<'_>> {
        self.endpoints.iter().filter(move |endpoint| endpoint.functions.namespace == namespace)
    }
}

/// A job binds functions, ingress ids and egress ids only once, regardless of the kind
/// (runtime: `StatefulFunctionsUniverse`).
pub(super) fn check_duplicates(findings: &mut Findings, module: &Module<'_>) {
    let endpoints = module.endpoints.iter().map(|endpoint| (&endpoint.functions, &endpoint.field));
    check_unique(findings, "endpoint for", endpoints);
    check_unique(findings, "ingress", module.ingresses.iter().map(|ingress| (&ingress.id, &ingress.field)));
    check_unique(findings, "egress", module.egresses.iter().map(|egress| (&egress.id, &egress.field)));
}

fn check_unique<'a>(findings: &mut Findings, what: &str, all: impl Iterator<Item = (&'a Name, &'a Field<'a>)>) {
    let mut seen: BTreeMap<&Name, &Field<'_>> = BTreeMap::new();
    for (name, field) in all {
        if let Some(first) = seen.get(name) {
            let wrong = format!("duplicate {what} {name}, first in document {}", first.document.number);
            findings.error(
                "duplicate-component",
                field,
                wrong,
                outcome::NO_START,
                "remove one of them, or give it another name",
            );
        } else {
            seen.insert(name, field);
        }
    }
}
