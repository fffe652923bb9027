//! `shopping-cart-example/cart`: what a user put into it, as far as it could be had.

use prost::Message as _;
use statefun_sdk::{Context, Destination, Function, FunctionError, Message, Proto, StatefulFunction, ValueSpec};

use super::messages::add_to_cart_result::Type;
use super::messages::{AddToCart, AddToCartResult, ItemReserved, ItemUnavailable, ItemsInCart, RequestItem};
use super::{CART, DEAD_LETTERS, INVENTORY, RESULTS};
use crate::functions::Destinations;

/// How many of each item are in the cart.
pub const CART_ITEMS: ValueSpec<Proto<ItemsInCart>> = ValueSpec::new("cart_items");

/// `shopping-cart-example/cart`.
pub fn function(destinations: &Destinations) -> Function {
    Function::new(CART, Cart { results: destinations.of_own(&RESULTS) })
        .state(&CART_ITEMS)
        .accepts::<AddToCart>()
        .accepts::<ItemReserved>()
        .accepts::<ItemUnavailable>()
        .sends_to(INVENTORY)
        .emits(RESULTS.egress)
        .on_failure(destinations.dead_letters_to(&DEAD_LETTERS))
}

struct Cart {
    results: Destination,
}

impl StatefulFunction for Cart {
    async fn invoke(&self, context: &mut Context, message: Message) -> Result<(), FunctionError> {
        if message.is::<AddToCart>() {
            self.request(context, message.proto()?)
        } else if message.is::<ItemReserved>() {
            self.add(context, message.proto()?)
        } else {
            let ItemUnavailable { id, quantity } = message.proto()?;
            self.tell(context, Type::Fail, id, quantity)
        }
    }
}

impl Cart {
    fn request(&self, context: &mut Context, AddToCart { item_id, quantity }: AddToCart) -> Result<(), FunctionError> {
        if quantity <= 0 {
            return self.tell(context, Type::Fail, item_id, quantity);
        }
        context.send(INVENTORY.with_id(item_id), Proto(RequestItem { quantity }))
    }

    fn add(&self, context: &mut Context, ItemReserved { id, quantity }: ItemReserved) -> Result<(), FunctionError> {
        // Before the state is written: an invocation that fails then costs its batch nothing.
        self.tell(context, Type::Success, id.clone(), quantity)?;
        context.update(&CART_ITEMS, |cart| {
            let in_cart = cart.items.entry(id).or_default();
            *in_cart = in_cart.saturating_add(quantity);
        })
    }

    /// Tells the user what came of the request.
    fn tell(&self, context: &mut Context, r#type: Type, item_id: String, quantity: i32) -> Result<(), FunctionError> {
        let result = AddToCartResult { r#type: r#type.into(), item_id, quantity };
        context.emit(RESULTS.egress, self.results.record(context.self_id().clone(), result.encode_to_vec()))
    }
}
