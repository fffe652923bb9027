//! A type with a name and no encoding: the error leads to the wrappers.
use statefun_sdk::{Context, FunctionError, TypeName, Typed};

#[derive(Typed)]
#[typed("shop/order-event", name_only)]
struct OrderEvent {
    _id: String,
}

fn place(context: &mut Context, event: OrderEvent) -> Result<(), FunctionError> {
    context.send(TypeName::new("shop/order").with_id("1"), event)
}

fn main() {
    let _ = place;
}
