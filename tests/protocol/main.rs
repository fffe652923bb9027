//! The running program over the wire, driven by `curl`.
//!
//! `requests/` holds requests as a runtime sends them, `answers/` what must come back. `captured-*` were recorded from a
//! stock StateFun 3.3.0 runtime and stay as they are; the others are made by `requests.rs`:
//!
//! ```text
//! REGENERATE=1 cargo test --test protocol stored_requests   # makes requests and answers anew
//! git diff --stat tests/protocol                             # and this shows what changed
//! ```

mod fraud;
mod health;
mod logs;
mod requests;
mod server;
mod settings;
mod statuses;
mod stored;
mod tls;
