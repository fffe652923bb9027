//! Compares two contracts: how a change affects a job that ran with the old one.

use std::collections::BTreeSet;
use std::fmt;

use super::description::{Contract, FunctionContract, StateContract};

/// The severity of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// A job with the old release's savepoint fails.
    Error,
    /// The cluster does not apply the change, or the module needs a change first.
    Warning,
    /// The change is compatible.
    Note,
}

/// One change in a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The severity.
    pub severity: Severity,
    /// The change and its effect.
    pub text: String,
}

/// The changes between an older release's contract and a newer one's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    changes: Vec<Change>,
}

impl Comparison {
    /// Compares two contracts; the changes are in the order of the functions.
    pub fn new(old: &Contract, new: &Contract) -> Self {
        let mut comparison = Self { changes: Vec::new() };
        for (name, function) in &old.functions {
            match new.functions.get(name) {
                Some(new) => comparison.function(name, function, new),
                None => comparison.add(
                    Severity::Error,
                    format!(
                        "function {name} is gone: messages in flight to it, including delayed ones, get 404 and restart \
                         the job in an endless loop. Keep the function, even if it only ignores its messages"
                    ),
                ),
            }
        }
        for name in new.functions.keys().filter(|name| !old.functions.contains_key(*name)) {
            comparison.add(
                Severity::Note,
                format!("function {name} is new: `module check` reports whether the module covers it"),
            );
        }
        comparison
    }

    /// All changes.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The number of changes of this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.changes.iter().filter(|change| change.severity == severity).count()
    }

    fn add(&mut self, severity: Severity, text: String) {
        self.changes.push(Change { severity, text });
    }

    fn function(&mut self, name: &str, old: &FunctionContract, new: &FunctionContract) {
        for (state, spec) in &old.states {
            match new.states.get(state) {
                Some(new) => self.state(&format!("state {state} of {name}"), spec, new),
                None => self.add(
                    Severity::Warning,
                    format!(
                        "state {state} of {name} is gone: its values stay in the savepoints, so a new state cannot \
                         reuse the name with another type"
                    ),
                ),
            }
        }
        for state in new.states.keys().filter(|state| !old.states.contains_key(*state)) {
            self.add(Severity::Note, format!("state {state} of {name} is new: it has no value at first"));
        }
        // An empty set means that all types are accepted.
        if !new.accepts.is_empty() {
            if old.accepts.is_empty() {
                let accepts = Vec::from_iter(new.accepts.iter().map(String::as_str)).join(", ");
                self.add(
                    Severity::Warning,
                    format!("{name} accepts {accepts} only: messages of other types in flight are ignored"),
                );
            }
            for gone in old.accepts.difference(&new.accepts) {
                self.add(
                    Severity::Warning,
                    format!("{name} no longer accepts {gone}: such messages in flight are ignored"),
                );
            }
        }
        self.added(name, "sends to", "have an endpoint", &old.targets, &new.targets);
        self.added(name, "emits to", "be declared", &old.egresses, &new.egresses);
    }

    fn state(&mut self, what: &str, old: &StateContract, new: &StateContract) {
        if old.type_name != new.type_name {
            self.add(
                Severity::Error,
                format!(
                    "{what} was of type {}, and is of {}: a state's type cannot change, the job would restart in an \
                     endless loop. Keep the type and evolve its encoding, or add a state with another name and migrate \
                     on read",
                    old.type_name, new.type_name
                ),
            );
        }
        if old.expiration != new.expiration {
            let text = |state: &StateContract| match &state.expiration {
                Some(expiration) => format!("expires {expiration}"),
                None => "never expires".to_owned(),
            };
            let change = format!("{what}: {}, and now {}", text(old), text(new));
            if old.expiration.is_some() == new.expiration.is_some() {
                self.add(Severity::Warning, format!("{change}: the running job ignores that until it restarts"));
            } else {
                self.add(
                    Severity::Error,
                    format!(
                        "{change}: Flink cannot restore a state with an expiration as one without, or the reverse, so the \
                         job fails at every restart. Add a state with another name and migrate on read"
                    ),
                );
            }
        }
    }

    /// Reports added targets or egresses.
    fn added(&mut self, name: &str, does: &str, must: &str, old: &BTreeSet<String>, new: &BTreeSet<String>) {
        for added in new.difference(old) {
            self.add(
                Severity::Warning,
                format!("{name} {does} {added}, which is new: it must {must} in the module before this release runs"),
            );
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Change { severity, text } in &self.changes {
            let severity = match severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "fine",
            };
            writeln!(f, "{severity}: {text}")?;
        }
        if self.changes.is_empty() {
            writeln!(f, "fine: nothing has changed")?;
        }
        Ok(())
    }
}
