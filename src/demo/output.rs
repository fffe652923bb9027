use std::io::{self, Write};

use serde::Serialize;
use serde_json::value::RawValue;
use statefun_sdk::BoxError;
use statefun_sdk::local::Emitted;

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
pub(super) fn line(emitted: &Emitted) -> Result<String, BoxError> {
    let bytes = emitted.record.value();
    let value = match serde_json::from_slice(bytes) {
        Ok(json) if !bytes.contains(&b'\n') => Value::Json(json),
        _ => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
    };
    line_with(emitted, value)
}

/// A record as a line of JSON, with `value` as its decoded value.
pub(super) fn line_with(emitted: &Emitted, value: impl Serialize) -> Result<String, BoxError> {
    let record = Record { egress: emitted.egress.as_str(), key: emitted.record.key(), value };
    Ok(serde_json::to_string(&record)?)
}

/// Prints a line. A closed pipe is not an error.
pub(super) fn print(mut line: String) -> Result<(), BoxError> {
    line.push('\n');
    let mut output = io::stdout().lock();
    match output.write_all(line.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
