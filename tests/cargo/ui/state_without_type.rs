//! A state of a serde type without a name.
use serde::{Deserialize, Serialize};
use statefun_sdk::ValueSpec;

#[derive(Serialize, Deserialize)]
struct Order {
    id: String,
}

const ORDER: ValueSpec<Order> = ValueSpec::new("order");

fn main() {
    let _ = ORDER;
}
