//! Generates the messages of the protocol: names are `String`, values are slices of the request's buffer.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = "../../../proto/statefun";
    println!("cargo:rerun-if-changed={folder}/request-reply.proto");
    let files = protox::compile(["request-reply.proto"], [folder])?;
    prost_build::Config::new().bytes(["."]).compile_fds(files)?;
    Ok(())
}
