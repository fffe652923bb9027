//! The product: known applications on `statefun-sdk`, behind `statefun-http`.

pub mod functions;
