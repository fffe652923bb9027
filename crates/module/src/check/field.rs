use std::fmt;
use std::rc::Rc;

use super::yaml::{Node, ScalarType, Value};

/// The label of a document in findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Label {
    /// Counted from 1, including empty documents.
    pub(super) number: usize,
    pub(super) kind: Option<String>,
    pub(super) id: Option<String>,
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "document {}", self.number)?;
        match (&self.kind, &self.id) {
            (Some(kind), Some(id)) => write!(f, " ({kind} {id})"),
            (Some(kind), None) => write!(f, " ({kind})"),
            (None, _) => Ok(()),
        }
    }
}

/// A value of a document and its path.
#[derive(Debug, Clone)]
pub(super) struct Field<'a> {
    pub(super) document: Rc<Label>,
    pub(super) path: String,
    /// The line of its key, or of the value if it has no key.
    pub(super) line: usize,
    pub(super) node: &'a Node,
}

impl<'a> Field<'a> {
    /// A whole document.
    pub(super) fn document(label: Label, node: &'a Node) -> Self {
        Self { document: Rc::new(label), path: String::new(), line: node.line, node }
    }

    /// The same field under another label.
    pub(super) fn labelled(&self, label: Label) -> Self {
        Self { document: Rc::new(label), ..self.clone() }
    }

    /// The entry with this key; if there are several, the last one, like the runtime.
    pub(super) fn get(&self, key: &str) -> Option<Self> {
        self.entries().filter(|(name, _)| *name == key).map(|(_, field)| field).last()
    }

    /// The entry at this path, such as `meta.id`.
    pub(super) fn at(&self, path: &str) -> Option<Self> {
        path.split('.').try_fold(self.clone(), |field, key| field.get(key))
    }

    /// The entry's text; `None` if there is no entry, or its value is null or not a scalar.
    pub(super) fn text_of(&self, key: &str) -> Option<&'a str> {
        self.get(key)?.text()
    }

    /// The place of an entry that is not there, for findings: its path, at the line of the mapping.
    pub(super) fn absent(&self, path: &str) -> Self {
        Self { path: self.path_of(path), ..self.clone() }
    }

    fn path_of(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }

    /// All entries of a mapping; empty for other values.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, Self)> {
        let entries = match &self.node.value {
            Value::Map(entries) => entries.as_slice(),
            _ => &[],
        };
        entries.iter().map(|entry| {
            let path = self.path_of(&entry.key);
            let field = Self { document: self.document.clone(), path, line: entry.line, node: &entry.node };
            (entry.key.as_str(), field)
        })
    }

    /// All items of a list; empty for other values.
    pub(super) fn items(&self) -> impl Iterator<Item = Self> {
        let items = match &self.node.value {
            Value::List(items) => items.as_slice(),
            _ => &[],
        };
        items.iter().enumerate().map(|(position, node)| Self {
            document: self.document.clone(),
            path: format!("{}[{position}]", self.path),
            line: node.line,
            node,
        })
    }

    /// A string, a number or a boolean, as written.
    pub(super) fn text(&self) -> Option<&'a str> {
        match &self.node.value {
            Value::Scalar(scalar) if scalar.kind() != ScalarType::Null => Some(&scalar.text),
            _ => None,
        }
    }

    /// The value's type in the runtime, for display.
    pub(super) fn what(&self) -> &'static str {
        match &self.node.value {
            Value::Scalar(scalar) => match scalar.kind() {
                ScalarType::Text => "a string",
                ScalarType::Number => "a number",
                ScalarType::Boolean => "a boolean",
                ScalarType::Null => "null",
            },
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
            Value::Alias => "an alias",
        }
    }
}
