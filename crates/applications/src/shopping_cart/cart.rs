//! `shopping-cart-example/cart`: a user's reserved items.

use prost::Message as _;
use statefun_sdk::{Context, Destination, Function, FunctionError, UnexpectedTypePolicy, ValueSpec};

use super::messages::add_to_cart_result::Type;
use super::messages::{AddToCart, AddToCartResult, ItemReserved, ItemUnavailable, ItemsInCart, RequestItem};
use super::{CART, DEAD_LETTERS, INVENTORY, RESULTS};
use crate::destinations::Destinations;

/// The quantity of each item in the cart.
pub const CART_ITEMS: ValueSpec<ItemsInCart> = ValueSpec::new("cart_items");

/// `shopping-cart-example/cart`.
pub fn function(destinations: &Destinations) -> Function {
    Function::new(CART)
        .on(Cart::request)
        .on(Cart::add)
        .on(Cart::reject)
        .with(Cart { results: destinations.of_own(&RESULTS) })
        .state(&CART_ITEMS)
        .sends::<RequestItem>(INVENTORY)
        .emits_to(RESULTS.egress, destinations.of_own(&RESULTS).connector())
        .on_failure(destinations.dead_letters_to(&DEAD_LETTERS))
        .on_unexpected_type(UnexpectedTypePolicy::DeadLetter)
}

struct Cart {
    results: Destination,
}

impl Cart {
    async fn request(&self, context: &mut Context, message: AddToCart) -> Result<(), FunctionError> {
        let AddToCart { item_id, quantity } = message;
        if quantity <= 0 {
            return self.emit_result(context, Type::Fail, item_id, quantity);
        }
        context.send(INVENTORY.with_id(item_id), RequestItem { quantity })
    }

    async fn add(&self, context: &mut Context, message: ItemReserved) -> Result<(), FunctionError> {
        let ItemReserved { id, quantity } = message;
        // Before the state is written: a failure here does not affect the rest of the batch.
        self.emit_result(context, Type::Success, id.clone(), quantity)?;
        context.update(&CART_ITEMS, |cart| {
            let in_cart = cart.items.entry(id).or_default();
            *in_cart = in_cart.saturating_add(quantity);
        })
    }

    async fn reject(&self, context: &mut Context, message: ItemUnavailable) -> Result<(), FunctionError> {
        self.emit_result(context, Type::Fail, message.id, message.quantity)
    }

    /// Emits the result of the user's request.
    fn emit_result(
        &self,
        context: &mut Context,
        r#type: Type,
        item_id: String,
        quantity: i32,
    ) -> Result<(), FunctionError> {
        let result = AddToCartResult { r#type: r#type.into(), item_id, quantity };
        context.emit(RESULTS.egress, self.results.record(context.self_id(), result.encode_to_vec()))
    }
}
