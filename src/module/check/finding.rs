use std::fmt::{self, Write};

use super::field::{Field, Label};

/// Outcomes on the cluster that several rules share.
pub(super) mod outcome {
    pub(in super::super) const NO_START: &str = "the job does not start";
    pub(in super::super) const RESTARTS: &str =
        "the job fails at the first message on this route and restarts in an endless loop";
    pub(in super::super) const IGNORED: &str = "the runtime silently ignores it";
}

/// How serious a [`Finding`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The job does not start, restarts in an endless loop, or silently ignores something.
    Error,
    /// It works on the cluster, but may not be intended.
    Warning,
}

/// `error` or `warning`.
impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One problem of a module.
///
/// Its display is for people: three lines with the code, the place and what is wrong, with the outcome on the cluster,
/// and with what to do. Its wording can change; programs rely on the code and the place instead.
#[derive(Debug, Clone)]
pub struct Finding {
    severity: Severity,
    code: &'static str,
    /// `None` for the module as a whole.
    document: Option<Label>,
    line: Option<usize>,
    path: String,
    wrong: String,
    outcome: String,
    remedy: String,
}

impl Finding {
    /// Whether it is an error or a warning.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// The stable name of the rule, such as `missing-field`. Findings of one rule differ in their place.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The label of the document, such as `document 4 (io.statefun.kafka.v1/ingress example/ingress)`; `None` for the
    /// module as a whole.
    pub fn document(&self) -> Option<String> {
        self.document.as_ref().map(ToString::to_string)
    }

    /// The line in the module's text, counted from 1; `None` for the module as a whole.
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// The path of the field in its document, such as `spec.topics[0].targets[1]`; empty for a whole document and for
    /// the module as a whole. A field that is missing has a path, too.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
        writeln!(f, "{}[{}]: {place}: {}", self.severity, self.code, self.wrong)?;
        writeln!(f, "  on the cluster: {}", self.outcome)?;
        writeln!(f, "  to do: {}", self.remedy)
    }
}

/// All problems of a module, in the order in which they were found.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    /// Adds a problem that fails on the cluster or is silently ignored there.
    pub(super) fn error(
        &mut self,
        code: &'static str,
        field: &Field<'_>,
        wrong: impl Into<String>,
        outcome: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add(Severity::Error, code, field, wrong.into(), outcome.into(), remedy.into());
    }

    /// Adds a problem that works on the cluster, but may not be intended.
    pub(super) fn warning(
        &mut self,
        code: &'static str,
        field: &Field<'_>,
        wrong: impl Into<String>,
        outcome: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add(Severity::Warning, code, field, wrong.into(), outcome.into(), remedy.into());
    }

    fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        field: &Field<'_>,
        wrong: String,
        outcome: String,
        remedy: String,
    ) {
        self.0.push(Finding {
            severity,
            code,
            document: Some((*field.document).clone()),
            line: Some(field.line),
            path: field.path.clone(),
            wrong,
            outcome,
            remedy,
        });
    }

    /// Adds a problem of the module as a whole, or of its text at a line.
    pub(super) fn module_error(
        &mut self,
        code: &'static str,
        line: Option<usize>,
        wrong: impl Into<String>,
        outcome: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.0.push(Finding {
            severity: Severity::Error,
            code,
            document: None,
            line,
            path: String::new(),
            wrong: wrong.into(),
            outcome: outcome.into(),
            remedy: remedy.into(),
        });
    }

    pub(super) fn has_errors(&self) -> bool {
        self.0.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// The findings in the order of the file; those for the whole module come last.
    pub(super) fn into_sorted(mut self) -> Vec<Finding> {
        self.0.sort_by_key(|finding| finding.line.unwrap_or(usize::MAX));
        self.0
    }
}
