use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use statefun_sdk::{BoxError, Bytes};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, BufReader};

use crate::functions::product_cart::EVENTS;

/// The lines of a file of events, one after the other.
pub(super) struct Events {
    lines: Pin<Box<dyn AsyncBufRead + Send>>,
    size: u64,
    read: u64,
}

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A record for the functions.
    Event(Bytes),
    Comment(String),
    /// Wait once.
    Delay(Duration),
    /// Wait before every later event.
    DelayBetweenEvents(Duration),
}

impl Events {
    /// The lines of `file`, or the project's own.
    pub(super) async fn open(file: Option<&Path>) -> Result<Self, BoxError> {
        let Some(path) = file else {
            let bytes = EVENTS.as_bytes();
            return Ok(Self { lines: Box::pin(bytes), size: u64::try_from(bytes.len())?, read: 0 });
        };
        let cannot = |error| format!("--events {}: {error}", path.display());
        let file = tokio::fs::File::open(path).await.map_err(cannot)?;
        let size = file.metadata().await.map_err(cannot)?.len();
        Ok(Self { lines: Box::pin(BufReader::new(file)), size, read: 0 })
    }

    /// How many bytes there are.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The next line that is not empty, and how many bytes have been read with it.
    pub(super) async fn next(&mut self) -> Result<Option<(Line, u64)>, BoxError> {
        loop {
            let mut line = Vec::new();
            let read =
                self.lines.read_until(b'\n', &mut line).await.map_err(|error| format!("reading events: {error}"))?;
            self.read += u64::try_from(read)?;
            if read == 0 {
                return Ok(None);
            }
            let content = line.trim_ascii_end().len();
            line.truncate(content);
            if !line.is_empty() {
                return Ok(Some((Line::of(line), self.read)));
            }
        }
    }
}

impl Line {
    /// A directive is a CloudEvent that says so in full; anything else is for the functions.
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
