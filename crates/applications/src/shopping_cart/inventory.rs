//! `shopping-cart-example/inventory`: the stock of an item and its reservations.

use statefun_sdk::{Context, Function, FunctionError, UnexpectedTypePolicy, ValueSpec};

use super::messages::{ItemReserved, ItemUnavailable, NumInStock, NumReserved, RequestItem, RestockItem};
use super::{DEAD_LETTERS, INVENTORY, Settings};
use crate::destinations::Destinations;

/// The quantity that can be reserved; no value until the item is restocked or reserved.
pub const IN_STOCK: ValueSpec<NumInStock> = ValueSpec::new("in_stock");

/// The reserved quantity.
pub const RESERVED: ValueSpec<NumReserved> = ValueSpec::new("reserved");

/// `shopping-cart-example/inventory`.
pub fn function(destinations: &Destinations, settings: &Settings) -> Function {
    Function::new(INVENTORY)
        .on(Inventory::reserve)
        .on(Inventory::restock)
        .with(Inventory { initial_stock: settings.initial_stock })
        .state(&IN_STOCK)
        .state(&RESERVED)
        .replies()
        .on_failure(destinations.dead_letters_to(&DEAD_LETTERS))
        .on_unexpected_type(UnexpectedTypePolicy::DeadLetter)
}

struct Inventory {
    initial_stock: i32,
}

impl Inventory {
    fn in_stock(&self, context: &Context) -> Result<i32, FunctionError> {
        Ok(context.get(&IN_STOCK)?.map_or(self.initial_stock, |in_stock| in_stock.quantity))
    }

    /// Reserves the whole requested quantity, or nothing.
    async fn reserve(&self, context: &mut Context, RequestItem { quantity }: RequestItem) -> Result<(), FunctionError> {
        let in_stock = self.in_stock(context)?;
        let id = context.self_id().to_string();
        if quantity <= 0 || quantity > in_stock {
            return context.reply(ItemUnavailable { id, quantity });
        }
        // Before the states are written: a failure here does not affect the rest of the batch.
        context.reply(ItemReserved { id, quantity })?;
        context.set(&IN_STOCK, NumInStock { quantity: in_stock - quantity })?;
        context.update(&RESERVED, |reserved| reserved.quantity = reserved.quantity.saturating_add(quantity))
    }

    async fn restock(&self, context: &mut Context, RestockItem { quantity }: RestockItem) -> Result<(), FunctionError> {
        if quantity <= 0 {
            return Err(FunctionError::poison("RestockItem: expected a quantity above 0"));
        }
        let quantity = self.in_stock(context)?.saturating_add(quantity);
        context.set(&IN_STOCK, NumInStock { quantity })
    }
}
