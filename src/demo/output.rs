use std::io::{self, Write};

use statefun_sdk::BoxError;

/// Prints a line. A closed pipe is not an error.
pub(super) fn print(mut line: String) -> Result<(), BoxError> {
    line.push('\n');
    let mut output = io::stdout().lock();
    match output.write_all(line.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
