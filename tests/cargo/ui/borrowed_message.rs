//! A handler whose value borrows from the message: the error leads to `on_message`.
use serde::Deserialize;
use statefun_sdk::{Context, Function, FunctionError, Typed};

#[derive(Deserialize, Typed)]
#[typed("shop/visit")]
struct Visit<'a> {
    _page: &'a str,
}

async fn count(_: &mut Context, _: Visit<'_>) -> Result<(), FunctionError> {
    Ok(())
}

fn main() {
    let _: Function = Function::new("shop/visits").on(count);
}
