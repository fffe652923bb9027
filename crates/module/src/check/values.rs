//! Names, durations and URLs as the runtime reads them.

use std::fmt;
use std::time::Duration;

use statefun_sdk::TypeName;

/// A name as the runtime reads it: of a function, a target, an ingress, an egress or a kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Name {
    /// Parses a name like `TypeName.parseFrom`, which splits at every `/`, drops empty parts at the end, and requires
    /// two remaining parts (protocol §2, state registration).
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (namespace, name) = text.trim_end_matches('/').split_once('/')?;
        (!name.contains('/')).then(|| Self { namespace: namespace.to_owned(), name: name.to_owned() })
    }

    pub(super) fn is(&self, other: &TypeName) -> bool {
        self.namespace == other.namespace() && self.name == other.name()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Parses a duration like Flink's `TimeUtils`: a whole number and a unit, by default milliseconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let expected = "expected a whole number and ms, s, min, h or d, such as 30s or 1 min";
    if number.is_empty() {
        return Err(format!("{text:?} does not start with a number; {expected}"));
    }
    let number: i64 = number.parse().map_err(|_| format!("{number} does not fit in 64 bits"))?;
    let number = number.unsigned_abs();
    let seconds = |factor: u64| number.checked_mul(factor).map(Duration::from_secs).unwrap_or(Duration::MAX);
    match unit.trim().to_lowercase().as_str() {
        "d" | "day" | "days" => Ok(seconds(24 * 60 * 60)),
        "h" | "hour" | "hours" => Ok(seconds(60 * 60)),
        "min" | "m" | "minute" | "minutes" => Ok(seconds(60)),
        "s" | "sec" | "secs" | "second" | "seconds" => Ok(seconds(1)),
        "" | "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => Ok(Duration::from_millis(number)),
        "µs" | "micro" | "micros" | "microsecond" | "microseconds" => Ok(Duration::from_micros(number)),
        "ns" | "nano" | "nanos" | "nanosecond" | "nanoseconds" => Ok(Duration::from_nanos(number)),
        unit => Err(format!("{unit:?} is not a unit of time; {expected}")),
    }
}

/// The parts of an endpoint's URL that matter to the runtime's transports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Url {
    /// In lower case.
    pub(super) scheme: String,
    pub(super) path: String,
}

/// The only placeholder that the runtime replaces (runtime: `UrlPathTemplate`).
const PLACEHOLDER: &str = "{function.name}";

/// Parses a URL template like `java.net.URI`, after the placeholder is replaced.
pub(super) fn url(template: &str) -> Result<Url, String> {
    let url = template.replace(PLACEHOLDER, "function");
    if let Some(bad) = url.find(['{', '}']) {
        return Err(format!("unexpected brace at {:?}; the only placeholder is {PLACEHOLDER}", &url[bad..]));
    }
    let illegal =
        |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"' | '|' | '\\' | '^' | '`');
    if let Some(bad) = url.chars().find(|c| illegal(*c)) {
        return Err(format!("{bad:?} is not allowed in a URL"));
    }
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err("does not start with http:// or https://".to_owned());
    };
    let scheme = scheme.to_ascii_lowercase();
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if scheme != "http+unix" {
        check_authority(authority)?;
    }
    Ok(Url { scheme, path: path.to_owned() })
}

/// `java.net.URI` finds no host if it contains an invalid character, such as the `_` of a compose service.
fn check_authority(authority: &str) -> Result<(), String> {
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = match host_and_port.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((_, "")) => return Ok(()),
        Some((_, port)) => ("ipv6", port.strip_prefix(':').unwrap_or("none")),
        None => host_and_port.split_once(':').unwrap_or((host_and_port, "")),
    };
    if host.is_empty() {
        return Err("no host".to_owned());
    }
    if let Some(bad) = host.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))) {
        return Err(format!("{bad:?} is not allowed in a host name"));
    }
    if !port.is_empty() && port.parse::<u16>().is_err() {
        return Err(format!("{port:?} is not a port"));
    }
    Ok(())
}
