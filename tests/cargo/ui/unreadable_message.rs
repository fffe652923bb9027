//! A handler of a type that no message has.
use statefun_sdk::{Context, Function, FunctionError};

struct Order;

async fn place(_: &mut Context, _: Order) -> Result<(), FunctionError> {
    Ok(())
}

fn main() {
    let _: Function = Function::new("shop/orders").on(place);
}
