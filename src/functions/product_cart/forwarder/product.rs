use statefun_sdk::{Address, TypeError, TypeName};

use super::Forwarder;
use crate::functions::product_cart::PRODUCT;
use crate::functions::product_cart::event::{self, CloudEvent};

/// Product details, to the product.
pub(super) struct ProductForwarder;

impl Forwarder for ProductForwarder {
    fn target_type(&self) -> TypeName {
        PRODUCT
    }

    fn accept(&self, event: &CloudEvent) -> bool {
        event.ty() == event::PRODUCT
    }

    fn target(&self, event: &CloudEvent) -> Result<Address, TypeError> {
        Ok(PRODUCT.with_id(event.entity_id("id")?))
    }
}
