/// Parses a Java .properties file: names and values separated by `=`, `:` or a blank, comments, escapes, and lines
/// continued after a `\`.
///
/// # Errors
/// When an escape is invalid; the error names the line.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut properties = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let mut logical = line.trim_start_matches(BLANKS).to_owned();
        if logical.is_empty() || logical.starts_with(['#', '!']) {
            continue;
        }
        while is_continued(&logical) {
            logical.pop();
            let Some((_, next)) = lines.next() else { break };
            logical.push_str(next.trim_start_matches(BLANKS));
        }
        let in_line = |error| format!("line {}: {error}", number + 1);
        let (name, value) = split(&logical);
        properties.push((unescape(name).map_err(in_line)?, unescape(value).map_err(in_line)?));
    }
    Ok(properties)
}

const BLANKS: [char; 3] = [' ', '\t', '\u{c}'];

/// Whether a line ends with an odd number of backslashes, so that the last one is not escaped.
fn is_continued(line: &str) -> bool {
    (line.len() - line.trim_end_matches('\\').len()) % 2 == 1
}

fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = line.find(|c: char| {
        let ends = !escaped && (matches!(c, '=' | ':') || BLANKS.contains(&c));
        escaped = c == '\\' && !escaped;
        ends
    });
    let (name, rest) = line.split_at(end.unwrap_or(line.len()));
    let rest = rest.trim_start_matches(BLANKS);
    let value = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (name, value.trim_start_matches(BLANKS))
}

fn unescape(text: &str) -> Result<String, String> {
    // Java's escapes are UTF-16: two of them can be one character.
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut chars = text.chars();
    let mut buffer = [0; 2];
    while let Some(c) = chars.next() {
        let c = match c {
            '\\' => match chars.next() {
                Some('u') => {
                    let digits: String = chars.by_ref().take(4).collect();
                    let four = digits.len() == 4 && digits.chars().all(|c| c.is_ascii_hexdigit());
                    let unit = u16::from_str_radix(&digits, 16).ok().filter(|_| four);
                    // Without the characters, which may be of a password.
                    units.push(unit.ok_or("a \\u without four hexadecimal digits")?);
                    continue;
                }
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('f') => '\u{c}',
                Some(other) => other,
                None => continue,
            },
            c => c,
        };
        units.extend_from_slice(c.encode_utf16(&mut buffer));
    }
    String::from_utf16(&units).map_err(|_| "unpaired surrogate".to_owned())
}
