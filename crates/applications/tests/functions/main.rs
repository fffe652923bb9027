//! Isolated tests: one function is fed events, most from a file, and its messages, records and states are compared. `lists` and
//! `destinations` are about the list of applications, `scenario` about several functions together.

mod cart;
mod destinations;
mod fraud;
mod greeter;
mod lists;
mod price;
mod product;
mod protobuf;
mod router;
mod scenario;
mod shopping_cart;
mod support;
