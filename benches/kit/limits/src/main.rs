//! Limits that a server of the protocol on the same HTTP stack can come close to, not pass: stored requests get stored
//! answers. `PORT=8000 PAYLOADS=FOLDER bench-limits hyper|axum|codec`
//!
//! | argument | what is done with a request |
//! |---|---|
//! | `hyper` | its body is read |
//! | `axum` | the same, behind a router |
//! | `codec` | behind a router, it is decoded and its answer encoded |

mod replay;
mod serve;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};

use crate::replay::Replay;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let port = std::env::var("PORT").context("PORT is not set")?.parse().context("PORT is no port")?;
    let folder = PathBuf::from(std::env::var_os("PAYLOADS").context("PAYLOADS is not set")?);
    let replay = Replay::load(&folder)?;
    match std::env::args().nth(1).as_deref() {
        Some("hyper") => serve::hyper(port, Arc::new(move |body| replay.stored(&body))),
        Some("axum") => serve::axum(port, Arc::new(move |body| replay.stored(&body))),
        Some("codec") => serve::axum(port, Arc::new(move |body| replay.coded(body))),
        _ => bail!("expected hyper, axum or codec"),
    }
}
