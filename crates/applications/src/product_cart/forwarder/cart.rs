use std::borrow::Cow;

use serde::Deserialize;
use statefun_sdk::{Address, TypeError, TypeName};

use super::{Forwarder, entity};
use crate::product_cart::CART;
use crate::product_cart::event::CloudEvent;

/// Forwards cart events to the cart.
pub(super) struct CartForwarder;

impl Forwarder for CartForwarder {
    fn target_type(&self) -> TypeName {
        CART
    }

    fn accept(&self, event: &CloudEvent) -> bool {
        event.ty().starts_with("example.cart-")
    }

    fn target(&self, event: &CloudEvent) -> Result<Address, TypeError> {
        let Data { cart_id } = event.data()?;
        entity(&CART, &cart_id)
    }
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow, rename = "cartId")]
    cart_id: Cow<'a, str>,
}
