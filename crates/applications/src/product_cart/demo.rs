//! Products and carts: a line is a CloudEvent. Every line goes to the router, even an invalid one.

use clap::Args;
use serde::Deserialize;
use statefun_sdk::{BoxError, Bytes, Typed, TypedValue};

use super::{CloudEvent, EVENTS, ROUTER, record_key};
use crate::demo::{Demo, Event};

/// Events from a file, or the demo's own.
#[derive(Debug, Args)]
pub(super) struct ProductCartDemo {}

impl Demo for ProductCartDemo {
    fn events(&self) -> Bytes {
        EVENTS.into()
    }

    fn event(&self, line: Bytes) -> Result<Event, BoxError> {
        #[derive(Deserialize)]
        struct Head {
            id: String,
            r#type: String,
        }
        let head: Option<Head> = serde_json::from_slice(&line).ok();
        let (kind, id) = match head {
            Some(Head { id, r#type }) => (r#type, id),
            None => ("not an event".to_owned(), format!("({} bytes)", line.len())),
        };
        let target = ROUTER.with_id(record_key(&line).unwrap_or_default());
        Ok(Event { target, message: TypedValue::from_bytes(CloudEvent::TYPE_NAME.as_str(), line), kind, id })
    }
}
