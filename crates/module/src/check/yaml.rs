//! YAML as the runtime's parser reads it: scalars with their lines, unresolved aliases, all entries of a mapping.

use saphyr_parser::{Event, Parser, ScalarStyle};

use crate::number::is_number;

/// More than any module needs, and small enough for recursion.
const MAX_DEPTH: usize = 64;

/// A value and its first line.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) value: Value,
}

#[derive(Debug)]
pub(super) enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    /// All entries, in order. The runtime uses the last entry of a duplicate key.
    Map(Vec<Entry>),
    Alias,
}

#[derive(Debug)]
pub(super) struct Scalar {
    pub(super) text: String,
    /// Written without quotes, so that it can be a number, a boolean or null.
    plain: bool,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) line: usize,
    pub(super) node: Node,
}

/// The type of a scalar in the runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScalarType {
    Text,
    Number,
    Boolean,
    Null,
}

impl Scalar {
    pub(super) fn kind(&self) -> ScalarType {
        if !self.plain {
            return ScalarType::Text;
        }
        match self.text.as_str() {
            "" | "~" | "null" | "Null" | "NULL" => ScalarType::Null,
            "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => ScalarType::Boolean,
            text if is_number(text) => ScalarType::Number,
            _ => ScalarType::Text,
        }
    }
}

impl Node {
    /// Whether the value is null: an empty document, or a key without a value.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.kind() == ScalarType::Null)
    }
}

/// Error parsing YAML.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) line: usize,
    pub(super) reason: String,
}

/// Parses the documents of a text, including empty ones.
pub(super) fn read(text: &str) -> Result<Vec<Node>, Unreadable> {
    let mut parser = Parser::new_from_str(text);
    let mut documents = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    while let Some(event) = parser.next_event() {
        let (event, span) =
            event.map_err(|error| Unreadable { line: error.marker().line(), reason: error.info().to_owned() })?;
        let line = span.start.line();
        let node = match event {
            Event::SequenceStart(..) => {
                push(&mut open, Open { line, items: Items::List(Vec::new()) })?;
                continue;
            }
            Event::MappingStart(..) => {
                push(&mut open, Open { line, items: Items::Map { entries: Vec::new(), key: None } })?;
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(closed) => closed.into_node(),
                None => continue,
            },
            Event::Scalar(text, style, ..) => {
                let plain = style == ScalarStyle::Plain;
                Node { line, value: Value::Scalar(Scalar { text: text.into_owned(), plain }) }
            }
            Event::Alias(_) => Node { line, value: Value::Alias },
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                continue;
            }
        };
        match open.last_mut() {
            Some(parent) => parent.add(node)?,
            None => documents.push(node),
        }
    }
    Ok(documents)
}

/// A list or a mapping that is not closed yet.
struct Open {
    line: usize,
    items: Items,
}

enum Items {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, key: Option<(String, usize)> },
}

fn push(open: &mut Vec<Open>, new: Open) -> Result<(), Unreadable> {
    if open.len() == MAX_DEPTH {
        return Err(Unreadable { line: new.line, reason: format!("nested deeper than {MAX_DEPTH} levels") });
    }
    open.push(new);
    Ok(())
}

impl Open {
    fn add(&mut self, node: Node) -> Result<(), Unreadable> {
        match &mut self.items {
            Items::List(items) => items.push(node),
            Items::Map { entries, key } => match (key.take(), node.value) {
                (Some((name, line)), value) => {
                    entries.push(Entry { key: name, line, node: Node { line: node.line, value } });
                }
                (None, Value::Scalar(scalar)) => *key = Some((scalar.text, node.line)),
                (None, _) => {
                    return Err(Unreadable { line: node.line, reason: "a key that is not a scalar".to_owned() });
                }
            },
        }
        Ok(())
    }

    fn into_node(self) -> Node {
        let value = match self.items {
            Items::List(items) => Value::List(items),
            Items::Map { entries, .. } => Value::Map(entries),
        };
        Node { line: self.line, value }
    }
}
