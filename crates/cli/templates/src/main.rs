//! Serves the functions to a StateFun cluster on port 8000, or at the address in `LISTEN`.

use statefun_http::{Options, serve};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt::init();
    let mut options = Options { metrics: true, ..Options::default() };
    if let Ok(listen) = std::env::var("LISTEN") {
        options.listen = listen.parse()?;
    }
    serve({{crate}}::functions()?, options).await?;
    Ok(())
}
