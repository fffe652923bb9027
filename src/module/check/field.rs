use std::fmt;
use std::rc::Rc;

use super::yaml::{Node, ScalarType, Value};

/// A document, as people find it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Label {
    /// Counted from 1, empty documents included.
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

/// A value of a document and the way to it.
#[derive(Debug, Clone)]
pub(super) struct Field<'a> {
    pub(super) document: Rc<Label>,
    pub(super) path: String,
    /// Where its key is, or itself where it has none.
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

    /// The entry of this name; of several, the last, as the runtime takes it.
    pub(super) fn get(&self, key: &str) -> Option<Self> {
        self.entries().filter(|(name, _)| *name == key).map(|(_, field)| field).last()
    }

    /// The entry at the end of this way, such as `meta.id`.
    pub(super) fn at(&self, way: &str) -> Option<Self> {
        way.split('.').try_fold(self.clone(), |field, key| field.get(key))
    }

    /// The entry's text; `None` where there is no entry, or nothing in it, or more than a text.
    pub(super) fn text_of(&self, key: &str) -> Option<&'a str> {
        self.get(key)?.text()
    }

    /// All entries of a mapping; none of anything else.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, Self)> {
        let entries = match &self.node.value {
            Value::Map(entries) => entries.as_slice(),
            _ => &[],
        };
        entries.iter().map(|entry| {
            let path = match self.path.as_str() {
                "" => entry.key.clone(),
                path => format!("{path}.{}", entry.key),
            };
            let field = Self { document: self.document.clone(), path, line: entry.line, node: &entry.node };
            (entry.key.as_str(), field)
        })
    }

    /// All items of a list; none of anything else.
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

    /// A text, a number or a boolean, as it is written.
    pub(super) fn text(&self) -> Option<&'a str> {
        match &self.node.value {
            Value::Scalar(scalar) if scalar.kind() != ScalarType::Null => Some(&scalar.text),
            _ => None,
        }
    }

    /// What it is to the runtime, for people.
    pub(super) fn what(&self) -> &'static str {
        match &self.node.value {
            Value::Scalar(scalar) => match scalar.kind() {
                ScalarType::Text => "a text",
                ScalarType::Number => "a number",
                ScalarType::Boolean => "a boolean",
                ScalarType::Null => "nothing",
            },
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
            Value::Alias => "an alias",
        }
    }
}
