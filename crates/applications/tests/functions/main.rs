//! Isolated tests: one function is fed from a resource file of events, and asked what it sent, emitted and kept.

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
