//! Numbers of YAML 1.1, which the runtime reads (SnakeYAML under Jackson). More scalars are numbers there than in YAML
//! 1.2, and a number is not kept as written: 1_000 is 1000, 0b11 is 3, 017 is 15, 1.50 is 1.5.

/// Whether a plain scalar is a number.
pub(crate) fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    for (prefix, radix) in [("0b", 2), ("0x", 16)] {
        if let Some(digits) = unsigned.strip_prefix(prefix) {
            return digits.contains(|c: char| c.is_digit(radix))
                && digits.chars().all(|c| c == '_' || c.is_digit(radix));
        }
    }
    // Rust also parses "inf" and "nan".
    unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') && unsigned.replace('_', "").parse::<f64>().is_ok()
}

/// Whether a number that is converted to text equals the text that was written.
pub(crate) fn is_as_written(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number);
    if digits.chars().all(|c| c.is_ascii_digit()) {
        return digits == "0" || !digits.starts_with('0');
    }
    // The format of Java for numbers in this range.
    number.parse::<f64>().is_ok_and(|value| (1e-3..1e7).contains(&value.abs()) && format!("{value:?}") == number)
}
