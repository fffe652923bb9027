//! Two contracts beside each other: what a job that ran with the old one makes of the new.

use std::collections::BTreeSet;
use std::fmt;

use super::description::{Contract, FunctionContract, StateContract};

/// How much a change matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// A job with the old release's savepoint cannot live with it.
    Error,
    /// The cluster does not do it as the release says, or needs something first.
    Warning,
    /// It is fine.
    Note,
}

/// One thing that a release changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// How much it matters.
    pub severity: Severity,
    /// What it is, and what comes of it.
    pub text: String,
}

/// What a release changes of an older one's contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    changes: Vec<Change>,
}

impl Comparison {
    /// Compares; the changes are in the order of the functions.
    pub fn new(old: &Contract, new: &Contract) -> Self {
        let mut comparison = Self { changes: Vec::new() };
        for (name, function) in &old.functions {
            match new.functions.get(name) {
                Some(new) => comparison.function(name, function, new),
                None => comparison.add(
                    Severity::Error,
                    format!(
                        "function {name} is gone: messages to it that are under way, delayed ones too, get 404 and \
                         restart the job for ever. Keep it, if only to ignore what comes"
                    ),
                ),
            }
        }
        for name in new.functions.keys().filter(|name| !old.functions.contains_key(*name)) {
            comparison.add(
                Severity::Note,
                format!("function {name} is new: `module check` tells whether the module covers it"),
            );
        }
        comparison
    }

    /// All changes.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// How many changes matter as much.
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
                        "state {state} of {name} is gone: its values stay in the savepoints, and in the way of the name"
                    ),
                ),
            }
        }
        for state in new.states.keys().filter(|state| !old.states.contains_key(*state)) {
            self.add(Severity::Note, format!("state {state} of {name} is new: it begins without a value everywhere"));
        }
        // None at all is all of them.
        if !new.accepts.is_empty() {
            if old.accepts.is_empty() {
                let accepts = Vec::from_iter(new.accepts.iter().map(String::as_str)).join(", ");
                self.add(
                    Severity::Warning,
                    format!("{name} accepts {accepts} only: messages of other types that are under way are ignored"),
                );
            }
            for gone in old.accepts.difference(&new.accepts) {
                self.add(
                    Severity::Warning,
                    format!("{name} accepts {gone} no more: such messages that are under way are ignored"),
                );
            }
        }
        self.ways(name, "sends to", "have an endpoint", &old.targets, &new.targets);
        self.ways(name, "emits to", "be declared", &old.egresses, &new.egresses);
    }

    fn state(&mut self, what: &str, old: &StateContract, new: &StateContract) {
        if old.type_name != new.type_name {
            self.add(
                Severity::Error,
                format!(
                    "{what} was of type {}, and is of {}: the type is for ever, with another the job restarts for ever. \
                     Keep the type and let its bytes evolve, or add a state of another name and migrate on read",
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
                        "{change}: Flink restores no state with an expiration as one without, nor the reverse, so the job \
                         fails at its next restart, for ever. Add a state of another name and migrate on read"
                    ),
                );
            }
        }
    }

    /// Where messages and records go that did not go there before.
    fn ways(&mut self, name: &str, does: &str, must: &str, old: &BTreeSet<String>, new: &BTreeSet<String>) {
        for way in new.difference(old) {
            self.add(
                Severity::Warning,
                format!("{name} {does} {way}, which is new: it must {must} in the module before this release runs"),
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
