//! The lines of a file, or of standard input.

use std::io::IsTerminal;
use std::path::Path;
use std::pin::Pin;

use statefun_sdk::{BoxError, Bytes};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, BufReader};

/// The longest line: an event is a message, of which the runtime sends several in a request.
const LONGEST_MIB: usize = 8;
const LONGEST: usize = LONGEST_MIB * 1024 * 1024;

/// Reads lines in sequence and skips empty ones. A line has at most 8 MiB.
pub struct Lines {
    source: Pin<Box<dyn AsyncBufRead + Send>>,
    name: String,
    size: Option<u64>,
    read: u64,
    number: u64,
}

/// A non-empty line, without its line terminator.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// The line number, from 1 on, including empty lines.
    pub number: u64,
    /// The content.
    pub text: Vec<u8>,
}

impl Lines {
    /// The lines of a file; of standard input for `-`.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub async fn open(file: &Path) -> Result<Self, BoxError> {
        if file == Path::new("-") {
            if std::io::stdin().is_terminal() {
                eprintln!("reading events from this terminal, one per line; press Ctrl-D to finish");
            }
            return Ok(Self::new(BufReader::new(tokio::io::stdin()), "standard input".to_owned(), None));
        }
        let name = file.display().to_string();
        let with_name =
            |error| format!("{name}: {error}; expected a file with one event per line, or - for standard input");
        let opened = tokio::fs::File::open(file).await.map_err(with_name)?;
        let size = opened.metadata().await.map_err(with_name)?.len();
        Ok(Self::new(BufReader::new(opened), name, Some(size)))
    }

    /// The lines of a text, and what to call it in messages.
    pub fn of(name: &str, text: Bytes) -> Self {
        let size = text.len() as u64;
        Self::new(std::io::Cursor::new(text), name.to_owned(), Some(size))
    }

    fn new(source: impl AsyncBufRead + Send + 'static, name: String, size: Option<u64>) -> Self {
        Self { source: Box::pin(source), name, size, read: 0, number: 0 }
    }

    /// The name of the source.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The size in bytes, if known.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// The number of bytes read so far.
    pub fn read(&self) -> u64 {
        self.read
    }

    /// The next line.
    ///
    /// # Errors
    /// When the source cannot be read, or the line is longer than 8 MiB.
    pub async fn next(&mut self) -> Result<Option<Line>, BoxError> {
        loop {
            let mut text = Vec::new();
            // With room for the line terminator, and a byte that shows that there is more.
            let mut bounded = (&mut self.source).take(LONGEST as u64 + 3);
            let read = bounded.read_until(b'\n', &mut text).await;
            let read = read.map_err(|error| format!("{}: {error}", self.name))?;
            if read == 0 {
                return Ok(None);
            }
            self.read += u64::try_from(read)?;
            self.number += 1;
            // Trailing whitespace belongs to the event, which may end with empty columns.
            let end = text.strip_suffix(b"\n").map_or(&text[..], |line| line.strip_suffix(b"\r").unwrap_or(line)).len();
            if end > LONGEST {
                return Err(format!("{}, line {}: longer than {LONGEST_MIB} MiB", self.name, self.number).into());
            }
            text.truncate(end);
            if !text.is_empty() {
                return Ok(Some(Line { number: self.number, text }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_numbered_as_an_editor_does() {
        let mut lines = Lines::of("a test", Bytes::from_static(b"one\r\n\n\r\n two \t\nthree"));
        let mut read = Vec::new();
        while let Some(line) = lines.next().await.expect("read") {
            read.push((line.number, String::from_utf8(line.text).expect("text")));
        }
        assert_eq!(read, [(1, "one".to_owned()), (4, " two \t".to_owned()), (5, "three".to_owned())]);
        assert_eq!(Some(lines.read()), lines.size());
    }

    #[tokio::test]
    async fn a_line_has_a_longest_length() {
        let longest = vec![b'x'; LONGEST];
        let text = [b"\n", &longest[..], b"\r\nx", &longest, b"\r\n"].concat();
        let mut lines = Lines::of("a test", text.into());
        assert_eq!(lines.next().await.expect("read"), Some(Line { number: 2, text: longest }));
        let error = lines.next().await.expect_err("too long");
        assert_eq!(error.to_string(), "a test, line 3: longer than 8 MiB");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_line_without_end_is_not_read_to_its_end() {
        let mut lines = Lines::open(Path::new("/dev/zero")).await.expect("opened");
        let error = lines.next().await.expect_err("too long");
        assert_eq!(error.to_string(), "/dev/zero, line 1: longer than 8 MiB");
    }

    #[tokio::test]
    async fn a_file_that_is_not_there_is_named() {
        let Err(error) = Lines::open(Path::new("no-such.jsonl")).await else { panic!("opened") };
        assert!(error.to_string().starts_with("no-such.jsonl: No such file"), "{error}");
    }
}
