//! Forwarders: which events the router hands on, and to whom.
//!
//! A new event type is a file here with one small type, and its line in [`FORWARDERS`].

mod cart;
mod product;

use statefun_sdk::{Address, TypeError, TypeName};

use super::event::CloudEvent;

/// All that the router asks, in this order.
pub(super) const FORWARDERS: &[&dyn Forwarder] = &[&product::ProductForwarder, &cart::CartForwarder];

/// Hands some events on to the functions of one type.
pub(super) trait Forwarder: Send + Sync {
    /// The functions that events are handed to; the router declares it as a target.
    fn target_type(&self) -> TypeName;

    /// Whether the event is one to hand on.
    fn accept(&self, event: &CloudEvent) -> bool;

    /// The function that an accepted event is for.
    ///
    /// # Errors
    /// When the event does not say.
    fn target(&self, event: &CloudEvent) -> Result<Address, TypeError>;
}

/// The function of this type for the entity with this id.
///
/// # Errors
/// When the id is empty: all such events would meet at one function.
fn entity(type_name: &TypeName, id: &str) -> Result<Address, TypeError> {
    if id.is_empty() {
        return Err(TypeError::new("an event about an entity with an empty id: expected some text"));
    }
    Ok(type_name.with_id(id))
}
