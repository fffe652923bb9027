//! A handler that is not `async`.
use statefun_sdk::{Context, Function, FunctionError};

fn place(_: &mut Context, _: String) -> Result<(), FunctionError> {
    Ok(())
}

fn main() {
    let _: Function = Function::new("shop/orders").on(place);
}
