//! The messages of `proto/shopping_cart.proto`.

include!(concat!(env!("OUT_DIR"), "/shopping_cart.rs"));
