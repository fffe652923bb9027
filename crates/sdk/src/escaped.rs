use std::fmt::{self, Write};

/// Displays a value in one line that no terminal takes for commands: control characters, line breaks included, and the characters
/// that change the direction of text are escaped as in Rust. For text from outside on a terminal or in a log.
///
/// ```
/// # use statefun_sdk::Escaped;
/// assert_eq!(Escaped("a\nb \x1b[31m").to_string(), r"a\nb \u{1b}[31m");
/// ```
#[derive(Clone, Copy)]
pub struct Escaped<T>(pub T);

impl<T: fmt::Display> fmt::Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escape(f), "{}", self.0)
    }
}

impl<T: fmt::Debug> fmt::Debug for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escape(f), "{:?}", self.0)
    }
}

struct Escape<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl Write for Escape<'_, '_> {
    fn write_str(&mut self, mut text: &str) -> fmt::Result {
        while let Some((at, character)) = text.char_indices().find(|(_, character)| is_escaped(*character)) {
            self.0.write_str(&text[..at])?;
            write!(self.0, "{}", character.escape_default())?;
            text = &text[at + character.len_utf8()..];
        }
        self.0.write_str(text)
    }
}

fn is_escaped(character: char) -> bool {
    let separates_lines = matches!(character, '\u{2028}' | '\u{2029}');
    let directs =
        matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() || separates_lines || directs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_is_escaped_and_the_rest_is_not() {
        let hostile = "\x1b]0;title\x07\r\n\t\u{9b}31m\u{7f}\u{2028}\u{202e}";
        let escaped = Escaped(hostile).to_string();
        assert_eq!(escaped, r"\u{1b}]0;title\u{7}\r\n\t\u{9b}31m\u{7f}\u{2028}\u{202e}");
        assert_eq!(Escaped("Grüße, \\ \"世界\" 👋").to_string(), "Grüße, \\ \"世界\" 👋");
        assert_eq!(format!("{:?}", Escaped(format_args!("a\x1bb"))), r"a\u{1b}b");
    }
}
