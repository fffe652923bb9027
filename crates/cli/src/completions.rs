//! `completions`: prints the script with which a shell completes the command line.

use std::io::{self, Write};

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use statefun_sdk::BoxError;

/// Options of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell that the script is for
    pub shell: Shell,
}

/// Writes the script for this command line.
///
/// # Errors
/// When it cannot be written.
pub fn run(args: &CompletionsArgs, mut command: Command, mut output: impl Write) -> Result<(), BoxError> {
    let name = command.get_name().to_owned();
    // Into memory first, as the generator panics where it cannot write.
    let mut script = Vec::new();
    generate(args.shell, &mut command, name, &mut script);
    match output.write_all(&script).and_then(|()| output.flush()) {
        // The reader may have enough, such as `head`.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("standard output: {error}").into()),
        _ => Ok(()),
    }
}
