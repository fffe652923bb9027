use std::fmt;

/// A value that is not what its type says.
///
/// Its text names the type and what was expected, and never shows any of the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeError {
    reason: String,
}

impl TypeError {
    /// The error of a custom type. `reason` must not show the value: it is logged.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }

    /// What serde_json found wrong, without the value: what was expected and where.
    pub fn json(error: &serde_json::Error) -> Self {
        Self::new(describe_json_error(error))
    }

    pub(crate) fn within(self, type_name: &str) -> Self {
        Self::new(format!("not a valid {type_name}: {}", self.reason))
    }
}

impl fmt::Display for TypeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for TypeError {}

/// Says what kind of error it is, where, and what was expected.
///
/// serde's own text quotes the offending value; what follows its last ", expected " comes from the program's types.
fn describe_json_error(error: &serde_json::Error) -> String {
    // An error of a value that was read from memory has no position, and nothing to cut off.
    let position = (error.line() > 0).then(|| format!(" (line {}, column {})", error.line(), error.column()));
    let text = error.to_string();
    let text = match text.rsplit_once(" at line ") {
        Some((head, _)) if position.is_some() => head,
        _ => &text,
    };
    let detail = if error.is_eof() {
        "the text ends too early".to_owned()
    } else if error.is_syntax() {
        "not JSON".to_owned()
    } else {
        match text.rsplit_once(", expected ") {
            Some((_, expected)) => format!("expected {expected}"),
            None if text.starts_with("missing field ") || text.starts_with("duplicate field ") => text.to_owned(),
            None => "a value that the type does not accept".to_owned(),
        }
    };
    detail + &position.unwrap_or_default()
}
