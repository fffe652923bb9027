//! Dependencies that were not given.
use statefun_sdk::{Context, Function, FunctionError, Registry};

struct Shop;

impl Shop {
    async fn place(&self, _: &mut Context, _: String) -> Result<(), FunctionError> {
        Ok(())
    }
}

fn main() {
    let _ = Registry::builder().function(Function::new("shop/orders").on(Shop::place));
}
