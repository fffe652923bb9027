//! A serde type that is sent without a type name: the error leads to the derive and to `Json(…)`.
use serde::Serialize;
use statefun_sdk::{Context, FunctionError, TypeName};

#[derive(Serialize)]
struct OrderEvent {
    id: String,
}

async fn place(context: &mut Context, id: String) -> Result<(), FunctionError> {
    context.send(TypeName::new("shop/order").with_id("1"), OrderEvent { id })
}

fn main() {
    let _: statefun_sdk::Function = statefun_sdk::Function::new("shop/orders").on(place);
}
