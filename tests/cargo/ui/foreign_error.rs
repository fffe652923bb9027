//! `?` on an error that does not say which kind it is.
use statefun_sdk::{Context, FunctionError};

async fn read(_: &mut Context, path: String) -> Result<(), FunctionError> {
    std::fs::read(path)?;
    Ok(())
}

fn main() {
    let _ = read;
}
