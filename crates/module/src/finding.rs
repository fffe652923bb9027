use std::fmt;

use serde::Serialize;
use statefun_sdk::Escaped;

/// How serious a [`Finding`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The job does not start, restarts in an endless loop, or silently ignores something.
    Error,
    /// It works on the cluster, but may not be intended.
    Warning,
    /// What the check was given does not tell whether it works.
    Unchecked,
    /// A change that is compatible.
    Note,
}

/// `error`, `warning`, `unchecked` or `note`.
impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Unchecked => "unchecked",
            Self::Note => "note",
        })
    }
}

/// One thing that a check found.
///
/// Its display is for people: the code, the place and what is wrong, then what happens on the cluster and what to do, each on
/// a line of its own. The wording can change; programs rely on the severity, the code and the place instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub(crate) severity: Severity,
    pub(crate) code: &'static str,
    pub(crate) place: String,
    pub(crate) line: Option<usize>,
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) outcome: String,
    pub(crate) remedy: String,
}

impl Finding {
    /// How serious it is.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// The stable name of the rule, such as `missing-field`. Findings of one rule differ in their place.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The part that it is about: a document of a module, such as `document 4 (io.statefun.kafka.v1/ingress example/ingress)`,
    /// `the module` as a whole, or a function of a contract with one of its states, such as `demo/greeter, state seen`.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The line in the module's text, counted from 1; `None` where it is about the module as a whole rather than its text, and for contracts.
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// The path of the field in its document, such as `spec.topics[0].targets[1]`; empty for a whole document, for the module
    /// as a whole, and for contracts. A field that is missing has a path, too.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong, or has changed, for people.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What happens on the cluster, for people; empty where nothing does.
    pub fn outcome(&self) -> &str {
        &self.outcome
    }

    /// What to do, for people; empty where nothing is to be done.
    pub fn remedy(&self) -> &str {
        &self.remedy
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // All but severity and code may quote the module.
        write!(f, "{}[{}]: {}", self.severity, self.code, Escaped(&self.place))?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if !self.path.is_empty() {
            write!(f, ", {}", Escaped(&self.path))?;
        }
        writeln!(f, ": {}", Escaped(&self.text))?;
        for (label, text) in [("on the cluster", &self.outcome), ("to do", &self.remedy)] {
            if !text.is_empty() {
                writeln!(f, "  {label}: {}", Escaped(text))?;
            }
        }
        Ok(())
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The findings: those of a module in the order of its text, then those for the module as a whole; those of contracts in
    /// the order of the functions, then new functions and ingresses.
    pub findings: Vec<Finding>,
    /// What the module consists of; `None` for contracts, and for a text that cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
}

/// What a module consists of, and which of the given functions it covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// The functions of each endpoint, such as `demo/*`.
    pub endpoints: Vec<String>,
    /// The id of each ingress.
    pub ingresses: Vec<String>,
    /// The id of each egress.
    pub egresses: Vec<String>,
    /// The given functions that an endpoint covers.
    pub covered: Vec<String>,
    /// The given functions that no endpoint covers.
    pub left_out: Vec<String>,
}

impl Report {
    /// The number of findings of this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// Whether there is no error. A report without errors can still have warnings, and things that were not checked.
    pub fn is_fine(&self) -> bool {
        self.count(Severity::Error) == 0
    }
}

/// All findings.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.findings.iter().try_for_each(|finding| finding.fmt(f))
    }
}

/// Two spaces before each line.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, names) in [
            ("endpoints", &self.endpoints),
            ("ingresses", &self.ingresses),
            ("egresses", &self.egresses),
            ("functions covered", &self.covered),
            ("functions left out", &self.left_out),
        ] {
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            writeln!(f, "  {what}: {}", Escaped(names))?;
        }
        Ok(())
    }
}
