use std::io::Cursor;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use statefun_sdk::{BoxError, Bytes};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, BufReader};

/// Reads the lines of a file of events in sequence.
pub(super) struct Events {
    lines: Pin<Box<dyn AsyncBufRead + Send>>,
    /// The name of the source, for display.
    source: String,
    size: u64,
    read: u64,
    number: u64,
}

/// A parsed line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// An event for the functions.
    Event(Bytes),
    Comment(String),
    /// Wait once.
    Delay(Duration),
    /// Wait before every later event.
    DelayBetweenEvents(Duration),
}

impl Events {
    /// The lines of a text.
    pub(super) fn of(text: Bytes) -> Result<Self, BoxError> {
        let (source, size) = ("the demo's own events".to_owned(), u64::try_from(text.len())?);
        Ok(Self { lines: Box::pin(Cursor::new(text)), source, size, read: 0, number: 0 })
    }

    /// The lines of a file.
    pub(super) async fn open(path: &Path) -> Result<Self, BoxError> {
        let source = format!("--events {}", path.display());
        let with_source = |error| format!("{source}: {error}");
        let file = tokio::fs::File::open(path).await.map_err(with_source)?;
        let size = file.metadata().await.map_err(with_source)?.len();
        Ok(Self { lines: Box::pin(BufReader::new(file)), source, size, read: 0, number: 0 })
    }

    /// The total number of bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The number of bytes read so far.
    pub(super) fn position(&self) -> u64 {
        self.read
    }

    /// The source and number of the last line, for display.
    pub(super) fn place(&self) -> String {
        format!("{}, line {}", self.source, self.number)
    }

    /// The next line that is not empty.
    pub(super) async fn next(&mut self) -> Result<Option<Line>, BoxError> {
        loop {
            let mut line = Vec::new();
            self.number += 1;
            let read = self.lines.read_until(b'\n', &mut line).await;
            let read = read.map_err(|error| format!("{}: {error}", self.place()))?;
            self.read += u64::try_from(read)?;
            if read == 0 {
                return Ok(None);
            }
            let content = line.trim_ascii_end().len();
            line.truncate(content);
            if !line.is_empty() {
                return Ok(Some(Line::of(line)));
            }
        }
    }
}

impl Line {
    /// Only a complete directive is one; any other line is an event.
    fn of(line: Vec<u8>) -> Self {
        #[derive(Deserialize)]
        struct Directive {
            r#type: String,
            data: Option<Value>,
        }
        let directive: Option<Directive> = serde_json::from_slice(&line).ok();
        if let Some(Directive { r#type, data }) = directive {
            let millis = data.as_ref().and_then(Value::as_u64).map(Duration::from_millis);
            match (r#type.as_str(), millis, data) {
                ("test.comment", _, data) => {
                    return Self::Comment(data.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned());
                }
                ("test.delay", Some(delay), _) => return Self::Delay(delay),
                ("test.delay-between-events", Some(delay), _) => return Self::DelayBetweenEvents(delay),
                _ => {}
            }
        }
        Self::Event(line.into())
    }
}
