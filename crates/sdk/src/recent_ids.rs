use std::collections::VecDeque;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::encode::{Decode, Encode, Typed};
use crate::type_error::TypeError;
use crate::typename::TypeName;
use crate::types::{read_json, write_json};

/// The last `N` ids of messages that an instance has handled, to tell one that comes a second time.
///
/// The cluster applies the effects of each message exactly once, but a producer that retries writes a record twice, under
/// two offsets. Keep this in a state; it holds no more than `N` ids, oldest first.
///
/// ```
/// # use statefun_sdk::{Context, FunctionError, Message, RecentIds, ValueSpec};
/// const HANDLED: ValueSpec<RecentIds<100>> = ValueSpec::new("handled");
///
/// # fn id_of(_: &Message) -> &str { "" }
/// async fn pay(context: &mut Context, message: Message) -> Result<(), FunctionError> {
///     if !context.update(&HANDLED, |handled| handled.insert(id_of(&message)))? {
///         return Ok(()); // it was paid already
///     }
///     // …
/// #   Ok(())
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecentIds<const N: usize>(VecDeque<String>);

impl<const N: usize> Typed for RecentIds<N> {
    const TYPE_NAME: TypeName = TypeName::new("statefun-sdk/recent-ids");
}

impl<const N: usize> Encode for RecentIds<N> {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), TypeError> {
        write_json(self, out)
    }
}

impl<const N: usize> Decode for RecentIds<N> {
    fn decode(bytes: &Bytes) -> Result<Self, TypeError> {
        read_json(bytes)
    }
}

impl<const N: usize> RecentIds<N> {
    /// Remembers an id, and forgets the oldest where there are more than `N`. Says whether the id is new.
    pub fn insert(&mut self, id: &str) -> bool {
        let new = !self.0.iter().any(|known| known == id);
        if new {
            self.0.push_back(id.to_owned());
            let surplus = self.0.len().saturating_sub(N);
            self.0.drain(..surplus);
        }
        new
    }
}
