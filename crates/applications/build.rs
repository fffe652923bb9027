//! Compiles the messages of the applications, without `protoc`, and gives each its type name.

use std::error::Error;

/// The file, its package, and what the type names of its messages begin with.
const PROTOS: [(&str, &str, &str); 2] = [
    ("../../proto/fraud.proto", "workshop", "com.googleapis/workshop."),
    ("../../proto/shopping_cart.proto", "", "com.googleapis/"),
];

fn main() -> Result<(), Box<dyn Error>> {
    for (proto, ..) in PROTOS {
        println!("cargo::rerun-if-changed={proto}");
    }
    let files = protox::compile(PROTOS.map(|(proto, ..)| proto), ["../../proto"])?;
    let mut config = prost_build::Config::new();
    // The one that has no package.
    config.bytes(["."]).btree_map(["."]).default_package_filename("shopping_cart");
    for (_, package, prefix) in PROTOS {
        for file in files.file.iter().filter(|file| file.package() == package) {
            for message in file.message_type.iter().map(|message| message.name()) {
                let attribute = format!("#[derive(::statefun_sdk::Typed)]\n#[typed(\"{prefix}{message}\", proto)]");
                config.type_attribute(format!(".{package}.{message}").replace("..", "."), attribute);
            }
        }
    }
    config.compile_fds(files)?;
    Ok(())
}
