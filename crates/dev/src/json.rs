/// A line of JSON without the control characters that JSON allows in strings (U+007F to U+009F), which a terminal could take for
/// commands: they are escaped, which is the same JSON. Those below U+0020 are escaped in any JSON.
pub fn escape_controls(line: String) -> String {
    let is_control = |character| matches!(character, '\u{7f}'..='\u{9f}');
    if !line.contains(is_control) {
        return line;
    }
    line.chars().fold(String::with_capacity(line.len()), |mut escaped, character| {
        match is_control(character) {
            true => escaped += &format!("\\u{:04x}", u32::from(character)),
            false => escaped.push(character),
        }
        escaped
    })
}
