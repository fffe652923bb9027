use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::{TypeName, Typed};

/// The last `N` ids of messages that an instance has handled, to tell one that comes a second time.
///
/// The cluster applies the effects of each message exactly once, but a producer that retries writes a record twice, under
/// two offsets. Keep this in a state; it holds no more than `N` ids, oldest first.
///
/// ```
/// # use statefun_sdk::{Context, FunctionError, Json, Message, RecentIds, ValueSpec};
/// const HANDLED: ValueSpec<Json<RecentIds<100>>> = ValueSpec::new("handled");
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
