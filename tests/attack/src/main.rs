//! Attacks the release binary and judges what healthy clients and operators see meanwhile.
//!
//! # Layout
//!
//! | module | contents |
//! |---|---|
//! | `row` | the table: what is sent, and the limits |
//! | `trial` | one row, from the start of a server to the verdict |
//! | `attack`, `tally` | the attacks; what they saw, counted |
//! | `black_hole` | a service that never responds |
//! | `bodies` | request bodies |
//! | `client` | connections to the server |
//! | `server` | the process under attack |
//! | `watch` | the healthy stream, the probes of readiness and the memory |
//! | `report` | the table in Markdown |
//! | `soak` | a mixed load for a long time |

mod attack;
mod black_hole;
mod bodies;
mod client;
mod report;
mod row;
mod server;
mod soak;
mod tally;
mod trial;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::row::Form;
use crate::server::Program;
use crate::trial::{Judge, Trial};

/// Attack a server and judge what healthy clients and operators see meanwhile
///
/// Each row starts `statefun-server serve` on free ports of loopback, sends it 100 greetings a second from 127.0.0.1, a
/// tenth of them on new connections, asks for /readyz twice a second, and attacks it from 127.0.0.2. Then it ends the
/// server by SIGTERM. A row passes when
///
///   the healthy requests were served: 99.9 %, or 95 % under a flood that takes all the CPU;
///   every /readyz was answered, within 1 s;
///   the resident memory stayed below 4 times the body and 64 MiB where one body attacks, and below 400 MiB always;
///   the log stayed below 4 MiB and has no panic in it;
///   SIGTERM took no longer than the drain's delay and 10 s;
///   the attack itself found nothing, such as a request without an answer.
///
/// The exit code is 0 when all rows pass, 1 when one does not. A server above 4 GiB is killed, and its row fails.
#[derive(Debug, Parser)]
#[command(name = "tests/attack/run", verbatim_doc_comment)]
struct Cli {
    /// The program to attack
    #[arg(
        long,
        global = true,
        env = "STATEFUN_SERVER",
        value_name = "FILE",
        default_value = "target/dist/statefun-server"
    )]
    server: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The rows that need neither time nor much memory; counts and bytes are judged, times are not
    Quick(Rows),
    /// All rows, of which some take gigabytes of memory where a server is not protected; times are judged, too
    Full(Rows),
    /// A mixed load; prints memory and errors each minute
    Soak {
        /// How long
        #[arg(long, value_name = "N", default_value_t = 30)]
        minutes: u32,
    },
    /// The rows, and which form has them
    List,
}

#[derive(Debug, Args)]
struct Rows {
    /// Only these rows, by the ids that `list` prints
    #[arg(long, value_name = "ROW", value_delimiter = ',')]
    only: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Also write the table between the markers of this page
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Cli { server, command } = Cli::parse();
    let passed = match command {
        Command::List => {
            for row in row::all() {
                let form = match row.form {
                    Form::Quick => "quick",
                    Form::Full => "full",
                    Form::Both => "both",
                };
                println!("{:<4} {form:<6} {}", row.id, row.sends);
            }
            Ok(true)
        }
        Command::Soak { minutes } => match Program::new(&server) {
            Ok(program) => soak::run(&program, minutes).await.map(|()| true),
            Err(error) => Err(error),
        },
        Command::Quick(rows) => attack(&server, &rows, Judge::Counts).await,
        Command::Full(rows) => attack(&server, &rows, Judge::All).await,
    };
    match passed {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all rows pass.
async fn attack(server: &std::path::Path, rows: &Rows, judge: Judge) -> anyhow::Result<bool> {
    let program = Program::new(server)?;
    let mut all = row::all();
    for only in &rows.only {
        anyhow::ensure!(all.iter().any(|row| row.id == only), "no row {only}: see list");
    }
    let form = if judge == Judge::All { Form::Full } else { Form::Quick };
    all.retain(|row| row.form == form || row.form == Form::Both);
    all.retain(|row| rows.only.is_empty() || rows.only.iter().any(|only| row.id == only));
    let mut trials: Vec<Trial> = Vec::new();
    for row in &all {
        eprint!("{:<3} {} … ", row.id, row.sends);
        let trial = trial::run(&program, row, judge).await?;
        match &trial.failures[..] {
            [] => eprintln!("pass ({} MiB)", trial.peak_mib),
            failures => eprintln!("FAIL ({} MiB): {}", trial.peak_mib, failures.join("; ")),
        }
        trials.push(trial);
    }
    match rows.json {
        true => println!("{}", serde_json::to_string_pretty(&trials)?),
        false => print!("{}", report::table(&trials)),
    }
    if let Some(page) = &rows.write {
        report::write(page, &trials, &program.options())?;
    }
    let failed = trials.iter().filter(|trial| !trial.failures.is_empty()).count();
    eprintln!("{} of {} rows pass ({})", trials.len() - failed, trials.len(), program.options());
    Ok(failed == 0)
}
