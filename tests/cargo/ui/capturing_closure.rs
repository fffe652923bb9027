//! An `async` closure that captures: the error names `with`.
use statefun_sdk::{Context, Function};

fn main() {
    let limit = 3;
    let _: Function = Function::new("shop/orders").on(async move |context: &mut Context, count: i32| {
        context.reply(count > limit)
    });
}
