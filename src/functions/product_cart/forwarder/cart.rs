use statefun_sdk::{Address, TypeError, TypeName};

use super::Forwarder;
use crate::functions::product_cart::CART;
use crate::functions::product_cart::event::CloudEvent;

/// Whatever happens to a cart, to the cart.
pub(super) struct CartForwarder;

impl Forwarder for CartForwarder {
    fn target_type(&self) -> TypeName {
        CART
    }

    fn accept(&self, event: &CloudEvent) -> bool {
        event.ty().starts_with("example.cart-")
    }

    fn target(&self, event: &CloudEvent) -> Result<Address, TypeError> {
        Ok(CART.with_id(event.entity_id("cartId")?))
    }
}
