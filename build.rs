//! Compiles the messages of the applications, without `protoc`.

use std::error::Error;

const PROTOS: [&str; 2] = ["proto/fraud.proto", "proto/shopping_cart.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    for proto in PROTOS {
        println!("cargo::rerun-if-changed={proto}");
    }
    let files = protox::compile(PROTOS, ["proto"])?;
    prost_build::Config::new()
        .bytes(["."])
        .btree_map(["."])
        // The one that has no package.
        .default_package_filename("shopping_cart")
        .compile_fds(files)?;
    Ok(())
}
