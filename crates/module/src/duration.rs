use std::time::Duration;

/// Formats a duration for Flink's `TimeUtils`, in the largest unit that divides it.
pub(crate) fn format(time: Duration) -> String {
    let millis = time.as_millis();
    match millis {
        0 => "0ms".to_owned(),
        _ if millis.is_multiple_of(3_600_000) => format!("{}h", millis / 3_600_000),
        _ if millis.is_multiple_of(60_000) => format!("{}min", millis / 60_000),
        _ if millis.is_multiple_of(1000) => format!("{}s", millis / 1000),
        _ => format!("{millis}ms"),
    }
}
