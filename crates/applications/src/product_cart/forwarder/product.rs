use std::borrow::Cow;

use serde::Deserialize;
use statefun_sdk::{Address, TypeError, TypeName};

use super::{Forwarder, entity};
use crate::product_cart::PRODUCT;
use crate::product_cart::event::{self, CloudEvent};

/// Forwards product details to the product.
pub(super) struct ProductForwarder;

impl Forwarder for ProductForwarder {
    fn target_type(&self) -> TypeName {
        PRODUCT
    }

    fn accept(&self, event: &CloudEvent) -> bool {
        event.ty() == event::PRODUCT
    }

    fn target(&self, event: &CloudEvent) -> Result<Address, TypeError> {
        let Data { id } = event.data()?;
        entity(&PRODUCT, &id)
    }
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
}
