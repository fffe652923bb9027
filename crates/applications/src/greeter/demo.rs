//! Logins: a line is the JSON of one, and the user's name is also the id.

use clap::Args;
use statefun_sdk::{BoxError, Bytes, Typed, TypedValue};

use super::{GREETER, Login};
use crate::demo::{Demo, Event, parse};

/// Events from a file, or the demo's own.
#[derive(Debug, Args)]
pub(super) struct GreeterDemo {}

impl Demo for GreeterDemo {
    fn events(&self) -> Bytes {
        Bytes::from_static(include_bytes!("events.jsonl"))
    }

    fn event(&self, line: Bytes) -> Result<Event, BoxError> {
        let Login { user_name } = parse(&line, r#"expected {"user_name":…}"#)?;
        Ok(Event {
            target: GREETER.with_id(user_name.as_ref()),
            kind: "login".to_owned(),
            id: user_name.into_owned(),
            message: TypedValue::from_bytes(Login::TYPE_NAME.as_str(), line.clone()),
        })
    }
}
