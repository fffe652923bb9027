//! A value that is emitted without a record.
use statefun_sdk::{Context, Egress, FunctionError};

const OUT: Egress = Egress::new("shop/out");

fn tell(context: &mut Context) -> Result<(), FunctionError> {
    context.emit(OUT, "text")
}

fn main() {
    let _ = tell;
}
