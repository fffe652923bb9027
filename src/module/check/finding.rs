use std::fmt::{self, Write};

use super::field::{Field, Label};

/// What happens on the cluster, where several rules come to the same.
pub(super) mod outcome {
    pub(in super::super) const NO_START: &str = "the job does not start";
    pub(in super::super) const RESTARTS: &str =
        "the job fails at the first message that comes this way, restarts and fails again, for ever";
    pub(in super::super) const IGNORED: &str = "the runtime passes over it without a word";
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Severity {
    Error,
    Warning,
}

/// One thing that is wrong with a module.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    /// `None` where the module as a whole is meant.
    document: Option<Label>,
    line: Option<usize>,
    path: String,
    wrong: String,
    outcome: String,
    remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let mut place = String::new();
        match &self.document {
            Some(document) => write!(place, "{document}")?,
            None => place.push_str("the module"),
        }
        if let Some(line) = self.line {
            write!(place, ", line {line}")?;
        }
        if !self.path.is_empty() {
            write!(place, ", {}", self.path)?;
        }
        writeln!(f, "{severity}: {place}: {}", self.wrong)?;
        writeln!(f, "  on the cluster: {}", self.outcome)?;
        writeln!(f, "  to do: {}", self.remedy)
    }
}

/// All that is wrong with a module, in the order in which it was found.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    /// What the cluster would stumble over, or pass over in silence.
    pub(super) fn error(
        &mut self,
        field: &Field<'_>,
        wrong: impl Into<String>,
        outcome: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add(Severity::Error, field, wrong.into(), outcome.into(), remedy.into());
    }

    /// What works, but perhaps not as it is meant.
    pub(super) fn warning(
        &mut self,
        field: &Field<'_>,
        wrong: impl Into<String>,
        outcome: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add(Severity::Warning, field, wrong.into(), outcome.into(), remedy.into());
    }

    fn add(&mut self, severity: Severity, field: &Field<'_>, wrong: String, outcome: String, remedy: String) {
        self.0.push(Finding {
            severity,
            document: Some((*field.document).clone()),
            line: Some(field.line),
            path: field.path.clone(),
            wrong,
            outcome,
            remedy,
        });
    }

    /// What is wrong with the module as a whole, or with its text at a line.
    pub(super) fn module_error(
        &mut self,
        line: Option<usize>,
        wrong: impl Into<String>,
        outcome: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.0.push(Finding {
            severity: Severity::Error,
            document: None,
            line,
            path: String::new(),
            wrong: wrong.into(),
            outcome: outcome.into(),
            remedy: remedy.into(),
        });
    }

    /// How many there are of this severity.
    pub(super) fn count(&self, severity: Severity) -> usize {
        self.0.iter().filter(|finding| finding.severity == severity).count()
    }

    /// In the order of the file; what is of the whole module comes last.
    pub(super) fn into_sorted(mut self) -> Vec<Finding> {
        self.0.sort_by_key(|finding| finding.line.unwrap_or(usize::MAX));
        self.0
    }
}
