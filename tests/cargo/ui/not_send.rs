//! A future that is not `Send`.
use std::rc::Rc;

use statefun_sdk::{Context, Function, FunctionError};

async fn place(_: &mut Context, text: String) -> Result<(), FunctionError> {
    let shared = Rc::new(text);
    std::future::ready(()).await;
    drop(shared);
    Ok(())
}

fn main() {
    let _: Function = Function::new("shop/orders").on(place);
}
