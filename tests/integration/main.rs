//! Files of events through the whole protocol: `statefun-server demo` starts the real server and feeds it over HTTP.

mod demo;
mod fraud;
mod scenarios;
mod shopping_cart;
