//! What an application's demo sends and prints; whoever runs it has the functions and the runtime.

use serde::Serialize;
use serde_json::value::RawValue;
use statefun_sdk::local::Emitted;
use statefun_sdk::{Address, BoxError, Bytes, TypedValue};

use crate::settings::Settings;

/// An application in the demo.
pub trait Demo {
    /// Changes settings so that the demo shows something.
    fn configure(&self, _settings: &mut Settings) {}

    /// The lines to send without a file of events.
    fn events(&self) -> Bytes;

    /// Parses a line into an event for the functions.
    ///
    /// # Errors
    /// When the line is invalid; the error says what was expected.
    fn event(&self, line: Bytes) -> Result<Event, BoxError>;

    /// Formats a record as a line of standard output.
    ///
    /// # Errors
    /// When the record is not one that the application emits.
    fn line(&self, emitted: &Emitted) -> Result<String, BoxError> {
        record(emitted)
    }
}

/// A message for the functions.
#[derive(Debug)]
pub struct Event {
    /// The receiving function.
    pub target: Address,
    /// The message.
    pub message: TypedValue,
    /// The kind of event, for display.
    pub kind: String,
    /// The event's id, for display.
    pub id: String,
}

/// A printed record.
#[derive(Serialize)]
struct Record<'a, V> {
    egress: &'a str,
    key: &'a str,
    value: V,
}

/// A value of unknown type: JSON if it parses, otherwise text.
#[derive(Serialize)]
#[serde(untagged)]
enum Value<'a> {
    /// The original bytes, so that numbers keep their digits.
    Json(&'a RawValue),
    Text(String),
}

/// A record as a line of JSON, with its value unchanged.
///
/// # Errors
/// Never for records of the embedded runtime.
pub fn record(emitted: &Emitted) -> Result<String, BoxError> {
    let bytes = emitted.record.value();
    let value = match serde_json::from_slice(bytes) {
        Ok(json) if !bytes.contains(&b'\n') => Value::Json(json),
        _ => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
    };
    record_with(emitted, value)
}

/// A record as a line of JSON, with `value` as its decoded value.
pub(crate) fn record_with(emitted: &Emitted, value: impl Serialize) -> Result<String, BoxError> {
    let record = Record { egress: emitted.egress.as_str(), key: emitted.record.key(), value };
    Ok(serde_json::to_string(&record)?)
}

/// Parses a line that is JSON; `expected` is what the error says was expected.
pub(crate) fn parse<'a, T: serde::Deserialize<'a>>(line: &'a [u8], expected: &str) -> Result<T, String> {
    serde_json::from_slice(line).map_err(|error| {
        // The input is a single line, so the column is enough.
        let text = error.to_string().replace(" at line 1 column ", " at column ");
        format!("{text}; {expected}")
    })
}

/// An event whose message is protobuf.
pub(crate) fn protobuf<M: prost::Message + statefun_sdk::Typed>(
    kind: &str,
    id: String,
    target: Address,
    message: &M,
) -> Event {
    let message = TypedValue::from_bytes(M::TYPE_NAME.as_str(), message.encode_to_vec());
    Event { target, message, kind: kind.to_owned(), id }
}
