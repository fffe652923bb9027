//! A derived type that is sent and is not `Serialize`.
use serde::Deserialize;
use statefun_sdk::{Context, FunctionError, TypeName, Typed};

#[derive(Deserialize, Typed)]
#[typed("shop/order-event")]
struct OrderEvent {
    _id: String,
}

fn place(context: &mut Context, event: OrderEvent) -> Result<(), FunctionError> {
    context.send(TypeName::new("shop/order").with_id("1"), event)
}

fn main() {
    let _ = place;
}
