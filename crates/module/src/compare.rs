use std::fmt::Display;

use statefun_sdk::{Contract, FunctionContract, StateContract, TypeName, UnexpectedTypePolicy};

use crate::finding::{Finding, Report, Severity};

/// Finds what a release changes that a running job relies on: its savepoint holds the states of the older release by name and
/// type, and messages in flight to the older release's functions.
///
/// An error is a change with which a job that is restored from the older release's savepoint fails, a warning one that the
/// cluster does not apply or that the module must follow, a note a compatible one. Findings are in the order of the functions; new functions and ingresses come last.
///
/// ```
/// # use statefun_sdk::{Context, Contract, Function, FunctionError, Registry};
/// # async fn greet(_: &mut Context, _: String) -> Result<(), FunctionError> { Ok(()) }
/// let old = Contract::of(&Registry::builder().function(Function::new("demo/greeter").on(greet)).build()?);
/// let new = Contract::of(&Registry::builder().build()?);
/// assert_eq!(statefun_module::compare(&old, &new).findings[0].code(), "function-removed");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn compare(old: &Contract, new: &Contract) -> Report {
    let mut changes = Changes(Vec::new());
    for (name, function) in &old.functions {
        match new.functions.get(name) {
            Some(new) => changes.function(name, function, new),
            None => changes.add(
                Severity::Error,
                "function-removed",
                name,
                "the function is gone",
                "messages in flight to it, delayed ones included, get 404 and restart the job in an endless loop",
                "keep the function, even if it only ignores its messages",
            ),
        }
    }
    for (name, function) in &new.functions {
        changes.sends(name, function, old);
    }
    for name in new.functions.keys().filter(|name| !old.functions.contains_key(*name)) {
        changes.add(
            Severity::Note,
            "function-added",
            name,
            "the function is new",
            "",
            "see by `module check` that the module covers it",
        );
    }
    changes.ingresses(old, new);
    Report { findings: changes.0, summary: None }
}

struct Changes(Vec<Finding>);

impl Changes {
    fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        place: impl Display,
        text: impl Into<String>,
        outcome: &str,
        remedy: &str,
    ) {
        self.0.push(Finding {
            severity,
            code,
            place: place.to_string(),
            line: None,
            path: String::new(),
            text: text.into(),
            outcome: outcome.to_owned(),
            remedy: remedy.to_owned(),
        });
    }

    fn function(&mut self, name: &TypeName, old: &FunctionContract, new: &FunctionContract) {
        for (state, spec) in &old.states {
            let place = format!("{name}, state {state}");
            match new.states.get(state) {
                Some(new) => self.state(&place, spec, new),
                None => self.add(
                    Severity::Warning,
                    "state-removed",
                    place,
                    "the state is gone",
                    "its values stay in the savepoints",
                    "do not use its name for a state of another type",
                ),
            }
        }
        for state in new.states.keys().filter(|state| !old.states.contains_key(*state)) {
            self.add(
                Severity::Note,
                "state-added",
                format!("{name}, state {state}"),
                "the state is new, and has no value at first",
                "",
                "",
            );
        }
        self.accepts(name, old, new);
        for target in new.targets.difference(&old.targets) {
            self.add(
                Severity::Warning,
                "target-added",
                name,
                format!("it sends to {target}, which is new"),
                "the job fails at the first such message unless the module has an endpoint for it",
                "deploy the module before this release",
            );
        }
        for egress in new.egresses.keys().filter(|egress| !old.egresses.contains_key(*egress)) {
            self.add(
                Severity::Warning,
                "egress-added",
                name,
                format!("it emits to {egress}, which is new"),
                "the job fails at the first such record unless the module declares it",
                "deploy the module before this release",
            );
        }
        for egress in old.egresses.keys().filter(|egress| !new.egresses.contains_key(*egress)) {
            self.add(
                Severity::Note,
                "egress-removed",
                name,
                format!("it no longer emits to {egress}"),
                "without it in the module, Flink rejects the savepoint unless the job allows non-restored state",
                "keep it in the module, or see docs/upgrading.md",
            );
        }
        self.connectors(name, old, new);
    }

    /// While replicas of both releases serve, and for what was sent before a rollback, the older receiver gets what the new sender
    /// sends.
    fn sends(&mut self, name: &TypeName, function: &FunctionContract, old: &Contract) {
        for (target, messages) in &function.sends {
            let Some(receiver) = old.functions.get(target).filter(|receiver| !receiver.accepts.is_empty()) else {
                continue;
            };
            let outcome = match receiver.on_unexpected_type {
                UnexpectedTypePolicy::DeadLetter => "replicas of the older release make dead letters of them",
                UnexpectedTypePolicy::Ignore => "replicas of the older release ignore them",
                _ => {
                    "replicas of the older release fail their batches, and if none is new the job restarts in an endless loop"
                }
            };
            for message in messages.difference(&receiver.accepts) {
                self.add(
                    Severity::Error,
                    "sender-before-receiver",
                    name,
                    format!("it sends {message} to {target}, which the older release does not accept"),
                    outcome,
                    "release the handler first, on all replicas, and then what sends to it",
                );
            }
        }
    }

    fn ingresses(&mut self, old: &Contract, new: &Contract) {
        for (id, ingress) in &old.ingresses {
            let place = format!("ingress {id}");
            let Some(new) = new.ingresses.get(id) else {
                self.add(
                    Severity::Warning,
                    "ingress-removed",
                    place,
                    "the ingress is gone",
                    "Flink rejects the savepoint unless the job allows non-restored state, and then the place in the topic is lost",
                    "keep the ingress, or see docs/upgrading.md",
                );
                continue;
            };
            for (what, old, new) in [
                ("topic", ingress.topic.as_str(), new.topic.as_str()),
                ("type", ingress.value_type.as_str(), new.value_type.as_str()),
                ("target", ingress.target.as_str(), new.target.as_str()),
            ] {
                if old != new {
                    self.add(
                        Severity::Warning,
                        "ingress-changed",
                        &place,
                        format!("its {what} was {old}, and is {new}"),
                        "the running job ignores that until it restarts with the new module",
                        "deploy the module with this release",
                    );
                }
            }
        }
    }

    /// An empty set means that all types are accepted.
    fn accepts(&mut self, name: &TypeName, old: &FunctionContract, new: &FunctionContract) {
        let outcome = match new.on_unexpected_type {
            UnexpectedTypePolicy::DeadLetter => "such messages in flight become dead letters",
            UnexpectedTypePolicy::Ignore => "such messages in flight are ignored",
            _ => "such messages in flight fail their batches: the job restarts in an endless loop",
        };
        const REMEDY: &str = "keep the handlers until no such message is in flight";

        if new.accepts.is_empty() {
            return;
        }
        if old.accepts.is_empty() {
            let accepts = Vec::from_iter(new.accepts.iter().map(TypeName::as_str)).join(", ");
            let text = format!("it accepted all types, and accepts only {accepts}");
            self.add(Severity::Warning, "type-removed", name, text, outcome, REMEDY);
        }
        for gone in old.accepts.difference(&new.accepts) {
            let text = format!("it no longer accepts {gone}");
            self.add(Severity::Warning, "type-removed", name, text, outcome, REMEDY);
        }
    }

    fn connectors(&mut self, name: &TypeName, old: &FunctionContract, new: &FunctionContract) {
        for (egress, old) in &old.egresses {
            let (Some(old), Some(Some(new))) = (old, new.egresses.get(egress)) else { continue };
            if old == new {
                continue;
            }
            self.add(
                Severity::Warning,
                "connector-changed",
                name,
                format!("its records to {egress} were of {old}, and are of {new}"),
                "the job fails at the first record unless the egress in the module is of the same kind",
                "give the new egress an id of its own, and deploy the module before this release",
            );
        }
    }

    fn state(&mut self, place: &str, old: &StateContract, new: &StateContract) {
        if old.type_name != new.type_name {
            self.add(
                Severity::Error,
                "state-type-changed",
                place,
                format!("its type was {}, and is {}", old.type_name, new.type_name),
                "a state's type can never change: the job restarts in an endless loop",
                "keep the type and evolve its encoding, or add a state with another name and migrate on read",
            );
        }
        if old.expiration != new.expiration {
            let when = |state: &StateContract| match &state.expiration {
                Some(expiration) => expiration.to_string(),
                None => "never".to_owned(),
            };
            let change = format!("its expiration was {}, and is {}", when(old), when(new));
            if old.expiration.is_some() == new.expiration.is_some() {
                self.add(
                    Severity::Warning,
                    "expiration-changed",
                    place,
                    change,
                    "the running job ignores that until it restarts",
                    "",
                );
            } else {
                self.add(
                    Severity::Error,
                    "expiration-toggled",
                    place,
                    change,
                    "Flink cannot restore a state with an expiration as one without, or the reverse: the job fails at every \
                     restart",
                    "add a state with another name and migrate on read",
                );
            }
        }
    }
}
