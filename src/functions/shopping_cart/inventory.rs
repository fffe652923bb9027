//! `shopping-cart-example/inventory`: how many of an item there are, and how many of them are reserved.

use statefun_sdk::{Context, Function, FunctionError, Message, Proto, StatefulFunction, ValueSpec};

use super::messages::{ItemReserved, ItemUnavailable, NumInStock, NumReserved, RequestItem, RestockItem};
use super::{DEAD_LETTERS, INVENTORY, Settings};
use crate::functions::Destinations;

/// How many can be reserved; no value while the item was neither restocked nor reserved.
pub const IN_STOCK: ValueSpec<Proto<NumInStock>> = ValueSpec::new("in_stock");

/// How many are reserved.
pub const RESERVED: ValueSpec<Proto<NumReserved>> = ValueSpec::new("reserved");

/// `shopping-cart-example/inventory`.
pub fn function(destinations: &Destinations, settings: &Settings) -> Function {
    Function::new(INVENTORY, Inventory { initial_stock: settings.initial_stock })
        .state(&IN_STOCK)
        .state(&RESERVED)
        .accepts::<RequestItem>()
        .accepts::<RestockItem>()
        .replies()
        .on_failure(destinations.dead_letters_to(&DEAD_LETTERS))
}

struct Inventory {
    initial_stock: i32,
}

impl StatefulFunction for Inventory {
    async fn invoke(&self, context: &mut Context, message: Message) -> Result<(), FunctionError> {
        if message.is::<RequestItem>() {
            self.reserve(context, message.proto()?)
        } else {
            self.restock(context, message.proto()?)
        }
    }
}

impl Inventory {
    fn in_stock(&self, context: &Context) -> Result<i32, FunctionError> {
        Ok(context.get(&IN_STOCK)?.map_or(self.initial_stock, |in_stock| in_stock.quantity))
    }

    /// Reserves all that is asked for, or nothing.
    fn reserve(&self, context: &mut Context, RequestItem { quantity }: RequestItem) -> Result<(), FunctionError> {
        let in_stock = self.in_stock(context)?;
        let id = context.self_id().to_string();
        if quantity <= 0 || quantity > in_stock {
            return context.reply(Proto(ItemUnavailable { id, quantity }));
        }
        // Before the states are written: an invocation that fails then costs its batch nothing.
        context.reply(Proto(ItemReserved { id, quantity }))?;
        context.set(&IN_STOCK, Proto(NumInStock { quantity: in_stock - quantity }))?;
        context.update(&RESERVED, |reserved| reserved.quantity = reserved.quantity.saturating_add(quantity))
    }

    fn restock(&self, context: &mut Context, RestockItem { quantity }: RestockItem) -> Result<(), FunctionError> {
        if quantity <= 0 {
            return Err(FunctionError::poison("RestockItem: expected a quantity above 0"));
        }
        let quantity = self.in_stock(context)?.saturating_add(quantity);
        context.set(&IN_STOCK, Proto(NumInStock { quantity }))
    }
}
