//! How long the runtime waits for a response, against what the functions' side needs for one.

use std::time::Duration;

use statefun_sdk::RequestReplyHandler;

use super::field::Field;
use super::findings::Findings;
use super::transport::{Client, duration_or};
use crate::lambda::MAX_RESPONSE_TIME;

/// A timeout of the runtime: its name, its value, and the field that sets it, unless it is the default.
pub(super) struct Timeout<'a> {
    name: &'static str,
    time: Duration,
    field: Option<Field<'a>>,
}

/// The timeouts of a client that can be read. `timeouts` is the field that contains them, if there is one.
pub(super) fn timeouts<'a>(
    client: Client,
    transport: Option<&Field<'a>>,
    timeouts: Option<&Field<'a>>,
) -> impl Iterator<Item = Timeout<'a>> {
    const CALL: (&str, Duration) = ("call", Duration::from_secs(60));
    let (times, defaults): (_, &[_]) = match (client, timeouts) {
        (Client::Async, None) => (transport, const { &[("call", Duration::from_secs(120))] }),
        (Client::Async, Some(timeouts)) => (Some(timeouts), const { &[CALL] }),
        (Client::Okhttp, timeouts) => (timeouts, const { &[CALL, ("read", Duration::from_secs(10))] }),
    };
    let times = times.cloned();
    defaults.iter().filter_map(move |&(name, default)| {
        let time = times.as_ref().map_or(Some(default), |times| duration_or(times, name, default))?;
        // A duration of zero is an error of its own.
        (!time.is_zero()).then(|| Timeout { name, time, field: times.as_ref().and_then(|times| times.get(name)) })
    })
}

impl Timeout<'_> {
    fn by_default(&self) -> &'static str {
        if self.field.is_some() { "" } else { " by default" }
    }
}

/// Warns of timeouts that are shorter than the gateway's before AWS Lambda.
pub(super) fn check_lambda<'a>(
    findings: &mut Findings,
    template: &Field<'_>,
    timeouts: impl Iterator<Item = Timeout<'a>>,
) {
    for timeout in timeouts.filter(|timeout| timeout.time <= MAX_RESPONSE_TIME) {
        let Timeout { name, time, field } = &timeout;
        findings.warning(
            "lambda-timeout",
            field.as_ref().unwrap_or(template),
            format!("{name} is {time:?}{}, and a response of AWS Lambda can take 30s", timeout.by_default()),
            "slow requests, such as those with a cold start, time out before their response",
            format!("write a {name} above 30s"),
        );
    }
}

/// Warns of a `call` that leaves no time for two more attempts after an invocation that hangs.
pub(super) fn check_server<'a>(
    findings: &mut Findings,
    template: &Field<'_>,
    mut timeouts: impl Iterator<Item = Timeout<'a>>,
) {
    let hang = RequestReplyHandler::INVOCATION_TIMEOUT;
    let Some(call) = timeouts.find(|timeout| timeout.name == "call") else { return };
    if call.time >= 3 * hang {
        return;
    }
    findings.warning(
        "call-too-short",
        call.field.as_ref().unwrap_or(template),
        format!("call is {:?}{}, and an invocation may take {hang:?}", call.time, call.by_default()),
        "after an invocation that hangs there is little time for another attempt before the job restarts",
        format!("write a call of at least {:?}, or have the functions run with a shorter invocation timeout", 3 * hang),
    );
}
