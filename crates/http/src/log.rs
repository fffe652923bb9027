//! What is logged of requests: now and then for each cause, as who sends requests must not be able to fill the log.

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use axum::extract::Request;
use statefun_sdk::{FailureKind, InvocationFailure, LogSampler, Outcome, Quarantined, Registry, Response};
use tracing::{debug, error, info, warn};

use crate::metrics::KINDS;
use crate::rejection::Rejection;

/// A header by which a client or a proxy names a request.
const REQUEST_ID: &str = "x-request-id";

/// The most of a text of the client in a line, in bytes.
const LONGEST_TEXT: usize = 256;

/// The samplers of all causes.
pub(crate) struct Log {
    functions: Vec<FunctionLog>,
    rejections: LogSampler,
    abandoned: LogSampler,
}

#[derive(Default)]
struct FunctionLog {
    /// Of batches that failed, by kind.
    failed: [LogSampler; KINDS.len()],
    /// Of messages that failed without failing their batch, by kind.
    quarantined: [LogSampler; KINDS.len()],
    reruns: LogSampler,
}

fn of_kind(samplers: &[LogSampler; KINDS.len()], kind: FailureKind) -> Option<u64> {
    let position = KINDS.iter().position(|known| *known == kind)?;
    samplers[position].sample()
}

impl Log {
    pub(crate) fn new(registry: &Registry) -> Self {
        let functions = registry.functions().iter().map(|_| FunctionLog::default());
        Self { functions: functions.collect(), rejections: LogSampler::new(), abandoned: LogSampler::new() }
    }

    /// Messages that failed without failing their batch.
    pub(crate) fn quarantined(&self, response: &Response) {
        let Some(log) = self.functions.get(response.function) else { return };
        for Quarantined { outcome, count, first, .. } in &response.quarantined {
            let InvocationFailure { target, index, invocations, message_type, kind, reason, .. } = first;
            let Some(suppressed) = of_kind(&log.quarantined, *kind) else { continue };
            let kind = kind.as_str();
            match outcome {
                Outcome::DeadLetter => {
                    warn!(
                        function = ?target, index, invocations, message_type, failure = kind, error = reason,
                        count, suppressed, "messages sent to the dead letters"
                    );
                }
                _ => {
                    info!(
                        function = ?target, message_type, failure = kind, error = reason, count, suppressed,
                        "messages ignored"
                    );
                }
            }
        }
        if response.reruns > 0
            && let Some(suppressed) = log.reruns.sample()
        {
            let function = response.quarantined.first().map(|quarantined| &quarantined.first.target);
            info!(
                ?function,
                reruns = response.reruns,
                suppressed,
                "messages ran again, as one behind them failed after a write"
            );
        }
    }

    /// A batch that failed.
    pub(crate) fn failed(&self, function: usize, failure: &InvocationFailure) {
        let InvocationFailure { target, index, invocations, message_type, kind, reason, .. } = failure;
        let Some(log) = self.functions.get(function) else { return };
        let Some(suppressed) = of_kind(&log.failed, *kind) else { return };
        let failure = kind.as_str();
        // Transient errors usually pass without an operator.
        if *kind == FailureKind::Transient {
            warn!(
                function = ?target, index, invocations, message_type, failure, error = reason, suppressed,
                "batch failed"
            );
        } else {
            error!(
                function = ?target, index, invocations, message_type, failure, error = reason, suppressed,
                "batch failed"
            );
        }
    }

    pub(crate) fn rejected<B>(&self, request: &Request<B>, peer: Option<SocketAddr>, rejection: &Rejection) {
        let peer = peer.map(tracing::field::display);
        let status = rejection.status().as_u16();
        let path = cut(request.uri().path());
        let id = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).map(cut);
        // At DEBUG: scanners look for paths.
        if matches!(rejection, Rejection::Path | Rejection::Method(_)) {
            debug!(peer, status, error = %rejection, path, request_id = id, "request rejected");
        } else if let Some(suppressed) = self.rejections.sample() {
            warn!(peer, status, error = %rejection, path, request_id = id, suppressed, "request rejected");
        }
    }

    /// A request that was dropped before its response.
    pub(crate) fn abandoned(&self, after: Duration) {
        let Some(suppressed) = self.abandoned.sample() else { return };
        if thread::panicking() {
            error!(?after, suppressed, "dropped before its response: a panic, which is logged apart");
        } else {
            warn!(?after, suppressed, "dropped before its response: the client went away, or its time was over");
        }
    }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST_TEXT)]
}
