//! Endpoints on AWS Lambda, whose answers may take longer than those of a server.

use std::time::Duration;

use super::super::lambda::LONGEST_ANSWER;
use super::field::Field;
use super::finding::Findings;
use super::transport::{Client, duration_or};

/// Warns of time-outs that are over before the gateway's. `timeouts` is the field that holds them, if there is one.
pub(super) fn check(
    findings: &mut Findings,
    template: &Field<'_>,
    client: Client,
    transport: Option<&Field<'_>>,
    timeouts: Option<&Field<'_>>,
) {
    let (times, defaults) = match (client, timeouts) {
        (Client::Async, None) => (transport, &[("call", Duration::from_secs(120))][..]),
        (Client::Async, Some(timeouts)) => (Some(timeouts), &[("call", Duration::from_secs(60))][..]),
        (Client::Okhttp, timeouts) => {
            (timeouts, &[("call", Duration::from_secs(60)), ("read", Duration::from_secs(10))][..])
        }
    };
    for &(name, default) in defaults {
        let Some(time) = times.map_or(Some(default), |times| duration_or(times, name, default)) else { continue };
        if time > LONGEST_ANSWER || time.is_zero() {
            continue;
        }
        let there = times.and_then(|times| times.get(name));
        let by_default = if there.is_some() { "" } else { " by default" };
        findings.warning(
            there.as_ref().unwrap_or(template),
            format!("{name} is {time:?}{by_default}, and an answer of AWS Lambda may take 30s"),
            "answers that are slow, such as those of cold starts, are given up before they come",
            format!("write a {name} above 30s"),
        );
    }
}
