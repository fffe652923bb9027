//! Endpoints on AWS Lambda, whose responses can take longer than those of a server.

use std::time::Duration;

use super::field::Field;
use super::findings::Findings;
use super::transport::{Client, duration_or};
use crate::lambda::MAX_RESPONSE_TIME;

/// Warns of timeouts shorter than the gateway's. `timeouts` is the field that contains them, if there is one.
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
        if time > MAX_RESPONSE_TIME || time.is_zero() {
            continue;
        }
        let field = times.and_then(|times| times.get(name));
        let by_default = if field.is_some() { "" } else { " by default" };
        findings.warning(
            "lambda-timeout",
            field.as_ref().unwrap_or(template),
            format!("{name} is {time:?}{by_default}, and a response of AWS Lambda can take 30s"),
            "slow requests, such as those with a cold start, time out before their response",
            format!("write a {name} above 30s"),
        );
    }
}
