use super::field::Field;
use crate::finding::{Finding, Severity};

/// Outcomes on the cluster that several rules share.
pub(super) mod outcome {
    pub(in crate::check) const NO_START: &str = "the job does not start";
    pub(in crate::check) const RESTARTS: &str =
        "the job fails at the first message on this route and restarts in an endless loop";
    pub(in crate::check) const IGNORED: &str = "the runtime silently ignores it";
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
        self.add(Severity::Error, code, Some(field), wrong.into(), outcome.into(), remedy.into());
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
        self.add(Severity::Warning, code, Some(field), wrong.into(), outcome.into(), remedy.into());
    }

    /// Adds what the given functions do not tell.
    pub(super) fn unchecked(
        &mut self,
        code: &'static str,
        field: &Field<'_>,
        unknown: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add(Severity::Unchecked, code, Some(field), unknown.into(), String::new(), remedy.into());
    }

    /// Adds a problem of the module as a whole.
    pub(super) fn module_error(
        &mut self,
        code: &'static str,
        wrong: impl Into<String>,
        outcome: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add(Severity::Error, code, None, wrong.into(), outcome.into(), remedy.into());
    }

    /// Adds why the text cannot be read from this line on.
    pub(super) fn unreadable(&mut self, code: &'static str, line: usize, wrong: impl Into<String>, remedy: &str) {
        self.module_error(code, wrong, outcome::NO_START, remedy);
        if let Some(finding) = self.0.last_mut() {
            finding.line = Some(line);
        }
    }

    fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        field: Option<&Field<'_>>,
        text: String,
        outcome: String,
        remedy: String,
    ) {
        self.0.push(Finding {
            severity,
            code,
            place: field.map_or_else(|| "the module".to_owned(), |field| field.document.to_string()),
            line: field.map(|field| field.line),
            path: field.map(|field| field.path.clone()).unwrap_or_default(),
            text,
            outcome,
            remedy,
        });
    }

    pub(super) fn has_errors(&self) -> bool {
        self.0.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// The findings in the order of the text; those for the module as a whole come last.
    pub(super) fn into_sorted(mut self) -> Vec<Finding> {
        self.0.sort_by_key(|finding| finding.line.unwrap_or(usize::MAX));
        self.0
    }
}
