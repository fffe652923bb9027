//! Forwarders: which events the router forwards, and to which functions.
//!
//! A new event type needs a file here with one small type, and a line in [`FORWARDERS`].

mod cart;
mod product;

use statefun_sdk::{Address, TypeError, TypeName};

use super::event::CloudEvent;

/// All forwarders, in the order in which the router uses them.
pub(super) const FORWARDERS: &[&dyn Forwarder] = &[&product::ProductForwarder, &cart::CartForwarder];

/// Forwards some events to the functions of one type.
pub(super) trait Forwarder: Send + Sync {
    /// The type of the target functions; the router declares it as a target.
    fn target_type(&self) -> TypeName;

    /// Whether this forwarder forwards the event.
    fn accept(&self, event: &CloudEvent) -> bool;

    /// The target function of an accepted event.
    ///
    /// # Errors
    /// When the event does not contain the target's id.
    fn target(&self, event: &CloudEvent) -> Result<Address, TypeError>;
}

/// The address of the function of this type for the entity with this id.
///
/// # Errors
/// When the id is empty: all such events would go to one function.
fn entity(type_name: &TypeName, id: &str) -> Result<Address, TypeError> {
    if id.is_empty() {
        return Err(TypeError::new("an event about an entity with an empty id: expected some text"));
    }
    Ok(type_name.with_id(id))
}
