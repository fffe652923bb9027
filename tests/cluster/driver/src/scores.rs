//! The scoring service of fraud detection, which counts how often it is asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// How often each merchant was asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked(Arc<Mutex<BTreeMap<String, usize>>>);

impl Asked {
    pub(crate) fn total(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }
}

/// Serves until it is dropped.
pub(crate) struct Scores {
    pub(crate) url: String,
    pub(crate) asked: Asked,
    _runtime: Runtime,
}

impl Scores {
    pub(crate) fn start() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let url = format!("http://{}/scores", listener.local_addr()?);
        let asked = Asked::default();
        let routes = Router::new().route("/scores", get(score)).with_state(asked.clone());
        runtime.spawn(async { axum::serve(listener, routes).await });
        Ok(Self { url, asked, _runtime: runtime })
    }
}

async fn score(State(Asked(asked)): State<Asked>, Query(query): Query<BTreeMap<String, String>>) -> Json<Value> {
    let merchant = query.get("merchant").cloned().unwrap_or_default();
    let score = merchant.len() % 101;
    *asked.lock().unwrap_or_else(PoisonError::into_inner).entry(merchant).or_default() += 1;
    Json(json!({ "score": score }))
}
