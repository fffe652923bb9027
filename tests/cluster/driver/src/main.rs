//! The tests on a stock StateFun cluster with Kafka. `tests/cluster/run` runs them.
//!
//! # Layout
//!
//! | module | what lives there |
//! |---|---|
//! | `cluster` | the work folder of one cluster, its processes and its job |
//! | `broker`, `kafka`, `kinesis` | records to the ingress and from the egress |
//! | `figures` | what a test counted, and the table of it all |
//! | `scenario`, `poison`, `load`, `faults` | the product and cart application |
//! | `tls` | mutual TLS of the cluster and our binary |
//! | `fraud`, `scores` | fraud detection, and its scoring service |
//! | `managed` | a Flink without StateFun, to which the JAR of `deploy/managed-flink` is submitted |
//! | `interpreters`, `delays`, `smoke` | functions that this process serves itself, and their tests |
//! | `release`, `process`, `proxy`, `releases` | releases of a program, its processes, a proxy before them, and their tests |

mod broker;
mod cluster;
mod delays;
mod faults;
mod figures;
mod fraud;
mod interpreters;
mod kafka;
mod kinesis;
mod load;
mod managed;
mod poison;
mod process;
mod proxy;
mod release;
mod releases;
mod scenario;
mod scores;
mod smoke;
mod tls;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

use crate::cluster::{Cluster, Semantic};
use crate::figures::Report;
use crate::release::Release;
use crate::scores::Scores;

/// Runs our functions on a stock StateFun cluster with Kafka, injects faults, and compares what comes out.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    program: Option<Program>,
    #[command(flatten)]
    args: Option<Args>,
}

/// What this executable is besides.
#[derive(Debug, Subcommand)]
enum Program {
    Release(Release),
}

#[derive(Debug, clap::Args)]
struct Args {
    /// The folder of the scripts `up`, `down`, `savepoint` and `restart-from`
    #[arg(long)]
    scripts: PathBuf,
    /// Our release binary
    #[arg(long)]
    server: PathBuf,
    /// Where the work folders go, one a job; those of failed jobs stay
    #[arg(long)]
    work: PathBuf,
    /// As many events as the figures of the documentation were taken with, rather than as many as CI has time for; and bad
    /// releases run until the job has restarted
    #[arg(long)]
    full: bool,
    /// Where the functions of the job `elsewhere` are
    #[arg(long)]
    functions_url: Option<String>,
    /// Only these jobs; default: all but `elsewhere`, and those of Managed Flink, for which Maven builds a JAR
    #[arg(value_enum)]
    jobs: Vec<Job>,
}

/// A job of Flink, and the tests that run on it one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Job {
    /// Product and cart, async transport, exactly once: the scenario, poison, and load with faults
    Async,
    /// Product and cart, async transport with mutual TLS, exactly once: the scenario, and a renewed certificate
    Tls,
    /// Product and cart, okhttp transport, exactly once: the scenario
    Okhttp,
    /// Product and cart, async transport, Kinesis in and out: the scenario
    Kinesis,
    /// Product and cart, okhttp transport, at least once: load with faults
    AtLeastOnce,
    /// Functions of the tests' own, async transport, exactly once: delays, cancellation, expiration, the smoke suite
    Sdk,
    /// Releases of a program of the tests' own, async transport, exactly once: bugs, panics, hanging calls, rolling restarts
    Releases,
    /// Fraud detection, async transport, exactly once: a stateful upgrade, and a minute of load
    Fraud,
    /// Product and cart, a Flink without StateFun and the JAR of `deploy/managed-flink`: the scenario, a restart
    ManagedFlink,
    /// The same with Kinesis in and out: the scenario
    ManagedFlinkKinesis,
    /// Product and cart, async transport, exactly once, served by someone else: the scenario
    Elsewhere,
}

/// One test: what it does and its name.
type Test<'a> = (&'static str, Box<dyn Fn(&mut Cluster, &mut Report) -> Result<()> + 'a>);

impl Job {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Those that run where nothing else is said.
    fn all() -> Vec<Self> {
        let asked_for = |job: &Self| matches!(job, Self::ManagedFlink | Self::ManagedFlinkKinesis | Self::Elsewhere);
        Self::value_variants().iter().copied().filter(|job| !asked_for(job)).collect()
    }

    fn semantic(self) -> Semantic {
        if matches!(self, Self::AtLeastOnce | Self::Kinesis | Self::ManagedFlinkKinesis) {
            Semantic::AtLeastOnce
        } else {
            Semantic::ExactlyOnce
        }
    }

    fn tests<'a>(self, args: &'a Args, scores: &'a Scores) -> Vec<Test<'a>> {
        let load = load::Size::new(args.full);
        match self {
            Self::Async => vec![
                ("product and cart over async", Box::new(scenario::over_kafka)),
                ("poison among good records", Box::new(poison::run)),
                ("load with faults, exactly once", Box::new(move |cluster, report| load::run(cluster, load, report))),
            ],
            Self::Tls => vec![
                ("product and cart over mutual TLS", Box::new(scenario::over_kafka)),
                ("a renewed certificate", Box::new(tls::run)),
            ],
            Self::Okhttp => vec![("product and cart over okhttp", Box::new(scenario::over_kafka))],
            Self::Elsewhere => vec![("product and cart, served elsewhere", Box::new(scenario::over_kafka))],
            Self::Kinesis => vec![("product and cart over Kinesis", Box::new(scenario::over_kinesis))],
            Self::ManagedFlink => vec![
                ("no setting of StateFun or of class loading", Box::new(managed::settings)),
                ("product and cart by a JAR", Box::new(scenario::over_kafka)),
                ("a JAR started again from a savepoint", Box::new(managed::restart)),
            ],
            Self::ManagedFlinkKinesis => vec![
                ("no setting of StateFun or of class loading, Kinesis", Box::new(managed::settings)),
                ("product and cart by a JAR over Kinesis", Box::new(scenario::over_kinesis)),
            ],
            Self::AtLeastOnce => vec![(
                "load with faults, at least once",
                Box::new(move |cluster, report| load::run(cluster, load, report)),
            )],
            Self::Sdk => vec![
                ("delayed messages, cancellation, expiration", Box::new(delays::run)),
                ("smoke suite", Box::new(|cluster, report| smoke::run(cluster, args.full, report))),
            ],
            Self::Releases => {
                let size = releases::Size { full: args.full };
                let mut tests: Vec<Test<'a>> = vec![
                    ("a release with bugs", Box::new(move |cluster, report| releases::bugs(cluster, size, report))),
                    ("a release that panics", Box::new(move |cluster, report| releases::panics(cluster, size, report))),
                    ("rolling restarts", Box::new(move |cluster, report| releases::rolling(cluster, size, report))),
                ];
                if args.full {
                    tests.push(("calls that hang at first", Box::new(releases::hangs_at_first)));
                    tests.push(("calls that hang forever", Box::new(releases::hangs)));
                }
                tests
            }
            Self::Fraud => vec![
                (
                    "fraud detection, upgraded from a savepoint",
                    Box::new(|cluster, report| fraud::upgrade(cluster, &scores.asked, report)),
                ),
                ("fraud detection under load", Box::new(fraud::load)),
            ],
        }
    }

    /// What our functions and the render of their module are told by their environment.
    fn environment(self, scores: &Scores) -> Vec<(&'static str, String)> {
        match self {
            Self::Kinesis | Self::ManagedFlinkKinesis => {
                ["STATEFUN_INGRESS", "STATEFUN_EGRESS"].map(|name| (name, "kinesis".to_owned())).into()
            }
            Self::Fraud => vec![
                ("STATEFUN_APPLICATION", "fraud".to_owned()),
                ("STATEFUN_CUSTOM_THRESHOLDS", "false".to_owned()),
                ("STATEFUN_DEFAULT_THRESHOLD", fraud::DEFAULT_THRESHOLD.to_string()),
                ("STATEFUN_SCORING_URL", scores.url.clone()),
            ],
            _ => Vec::new(),
        }
    }

    /// The options of `up`, and what must live as long as the job.
    fn up(self, args: &Args) -> Result<(Vec<String>, Option<interpreters::Server>)> {
        let mut options = vec!["--server".to_owned(), args.server.display().to_string()];
        let mut own = None;
        match self {
            Self::Async | Self::Kinesis | Self::Fraud => {}
            Self::ManagedFlink | Self::ManagedFlinkKinesis => options.push("--managed-flink".to_owned()),
            Self::Elsewhere => {
                let url = args.functions_url.clone().context("--functions-url is missing")?;
                options.extend(["--functions-url".to_owned(), url]);
            }
            Self::Tls => options.push("--tls".to_owned()),
            Self::Okhttp => options.extend(["--transport", "okhttp"].map(str::to_owned)),
            Self::AtLeastOnce => {
                options.extend(["--transport", "okhttp", "--semantic", "at-least-once"].map(str::to_owned));
            }
            Self::Sdk => {
                let server = interpreters::Server::start()?;
                let module = args.scripts.join("module/interpreters.yaml").display().to_string();
                options = vec!["--functions-url".to_owned(), server.url(), "--module".to_owned(), module];
                own = Some(server);
            }
            Self::Releases => {
                let url = format!("http://{}/statefun", process::free_address()?);
                let module = args.scripts.join("module/releases.yaml").display().to_string();
                options = vec!["--functions-url".to_owned(), url, "--module".to_owned(), module];
            }
        }
        Ok((options, own))
    }

    /// Runs all tests of the job. An error is of the cluster, before any test.
    fn run(self, args: &Args, scores: &Scores, report: &mut Report) -> Result<()> {
        let start = Instant::now();
        println!("\n=== job {}", self.name());
        let (options, _own) = self.up(args)?;
        let mut cluster = Cluster::up(
            &args.scripts,
            &args.work.join(self.name()),
            &options,
            self.environment(scores),
            self.semantic(),
        )?;
        println!("=== job {}: runs after {:.1} s", self.name(), start.elapsed().as_secs_f64());
        for (name, test) in self.tests(args, scores) {
            let start = Instant::now();
            println!("--- {name}");
            let outcome = test(&mut cluster, report);
            println!("--- {name}: {:.1} s", start.elapsed().as_secs_f64());
            if let Err(error) = &outcome {
                println!("FAILED: {name}: {error:#}\n{}", cluster.log_tails());
            }
            let failed = outcome.is_err();
            report.test(name, outcome.is_ok());
            if failed {
                // What follows would run on a cluster in an unknown state.
                break;
            }
        }
        cluster.down(!report.has_failed())
    }
}

fn main() -> ExitCode {
    let args = match Cli::parse() {
        Cli { program: Some(Program::Release(release)), .. } => {
            return match release.serve() {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    eprintln!("error: {error:#}");
                    ExitCode::FAILURE
                }
            };
        }
        Cli { args: Some(args), .. } => args,
        Cli { args: None, .. } => Cli::command().error(ErrorKind::MissingRequiredArgument, "see --help").exit(),
    };
    let scores = match Scores::start() {
        Ok(scores) => scores,
        Err(error) => {
            println!("FAILED: the scoring service does not start: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    let jobs = if args.jobs.is_empty() { Job::all() } else { args.jobs.clone() };
    let mut report = Report::default();
    for job in jobs {
        let tests = job.tests(&args, &scores).len();
        let before = report.tests();
        if let Err(error) = job.run(&args, &scores, &mut report).with_context(|| format!("job {}", job.name())) {
            println!("FAILED: {error:#}");
        }
        report.missing(tests - (report.tests() - before));
    }
    println!("\n{report}");
    if report.has_failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
