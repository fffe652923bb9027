use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::kafka::Kafka;
use crate::kinesis::Kinesis;

/// `deliverySemantic` of the egresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Semantic {
    ExactlyOnce,
    AtLeastOnce,
}

/// A running cluster: what the scripts made in a work folder.
#[derive(Debug)]
pub(crate) struct Cluster {
    scripts: PathBuf,
    dir: PathBuf,
    settings: BTreeMap<String, String>,
    pub(crate) semantic: Semantic,
    /// What our functions are told by their environment.
    environment: Vec<(&'static str, String)>,
    pub(crate) kafka: Kafka,
    pub(crate) kinesis: Kinesis,
    /// Restarts of jobs that were stopped since.
    former_restarts: u64,
}

impl Cluster {
    pub(crate) fn up(
        scripts: &Path,
        dir: &Path,
        options: &[String],
        environment: Vec<(&'static str, String)>,
        semantic: Semantic,
    ) -> Result<Self> {
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let folder = dir.display().to_string();
        run(scripts, "up", &[&options[..], &[&folder]].concat(), &environment)?;
        let settings = fs::read_to_string(dir.join("settings"))?;
        let settings = settings.lines().filter_map(|line| line.split_once('='));
        let settings: BTreeMap<_, _> = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(Self {
            scripts: scripts.to_owned(),
            dir: dir.to_owned(),
            semantic,
            environment,
            kafka: Kafka::at(&settings["KAFKA_PORT"]),
            kinesis: Kinesis::at(&settings["KINESIS_PORT"]),
            settings,
            former_restarts: 0,
        })
    }

    pub(crate) fn down(self, wipe: bool) -> Result<()> {
        let folder = self.folder();
        let args: &[&str] = if wipe { &["--wipe", &folder] } else { &[&folder] };
        self.script("down", args).map(drop)
    }

    /// Starts what does not run; functions of our binary with these environment variables.
    pub(crate) fn up_again(&self, environment: &[(&'static str, &str)]) -> Result<()> {
        let environment = environment.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let environment: Vec<_> = self.environment.iter().cloned().chain(environment).collect();
        run(&self.scripts, "up", &[&self.folder()], &environment).map(drop)
    }

    pub(crate) fn savepoint_and_stop(&mut self) -> Result<()> {
        self.former_restarts = self.restarts()?;
        self.script("savepoint", &["--stop", &self.folder()]).map(drop)
    }

    /// Changes what our functions and the render of their module are told by their environment from the next start on.
    pub(crate) fn set(&mut self, name: &'static str, value: &str) {
        self.environment.retain(|(other, _)| *other != name);
        self.environment.push((name, value.to_owned()));
    }

    /// As [`restart_from_savepoint`](Self::restart_from_savepoint), with the module that our functions have now.
    pub(crate) fn restart_upgraded(&self) -> Result<()> {
        self.script("restart-from", &["--render", &self.folder()]).map(drop)
    }

    pub(crate) fn restart_from_savepoint(&self) -> Result<()> {
        self.script("restart-from", &[&self.folder()]).map(drop)
    }

    /// SIGKILL, for a process that the scripts started.
    pub(crate) fn kill(&self, name: &str) -> Result<()> {
        let pid = fs::read_to_string(self.dir.join(format!("{name}.pid")))?;
        let pid = pid.split_whitespace().next().context("no process id")?;
        let status = Command::new("kill").args(["-KILL", pid]).status()?;
        ensure!(status.success(), "{name} ({pid}) could not be killed");
        wait(&format!("{name} to be gone"), Duration::from_secs(10), || {
            // A zombie is gone, too: whoever adopted it has not looked yet.
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
            Ok((state.is_none() || state == Some('Z')).then_some(()))
        })
    }

    /// How often the job was restarted by the runtime.
    pub(crate) fn restarts(&self) -> Result<u64> {
        let path = format!("/jobs/{}/metrics?get=numRestarts", self.job()?);
        // The first look makes the JobManager fetch the figure, the second sees what it fetched.
        self.rest(&path)?;
        sleep(Duration::from_millis(300));
        // It has none of a job that began a moment ago.
        let restarts = wait("the metric numRestarts", Duration::from_secs(60), || {
            let metrics = self.rest(&path)?;
            Ok(metrics[0]["value"].as_str().map(str::parse::<u64>).transpose()?)
        })?;
        Ok(self.former_restarts + restarts)
    }

    /// What made the job restart since it was started, newest first.
    pub(crate) fn exceptions(&self) -> Result<Vec<String>> {
        let history = self.rest(&format!("/jobs/{}/exceptions", self.job()?))?;
        let entries = history["exceptionHistory"]["entries"].as_array().context("no exception history")?;
        Ok(entries.iter().map(|entry| entry["stacktrace"].to_string().chars().take(400).collect()).collect())
    }

    pub(crate) fn job_state(&self) -> Result<String> {
        let job = self.rest(&format!("/jobs/{}", self.job()?))?;
        Ok(job["state"].as_str().context("no job state")?.to_owned())
    }

    /// The names of all that Flink was told.
    pub(crate) fn flink_settings(&self) -> Result<Vec<String>> {
        let settings = self.rest("/jobmanager/config")?;
        let settings = settings.as_array().context("no settings of Flink")?;
        Ok(settings.iter().filter_map(|setting| setting["key"].as_str().map(str::to_owned)).collect())
    }

    /// Waits until so many more checkpoints are complete: what was emitted before is committed then.
    pub(crate) fn await_checkpoints(&self, more: u64) -> Result<()> {
        let path = format!("/jobs/{}/checkpoints", self.job()?);
        let completed = || -> Result<u64> {
            self.rest(&path)?["counts"]["completed"].as_u64().context("no number of completed checkpoints")
        };
        let before = completed()?;
        wait(&format!("{more} checkpoints to complete"), Duration::from_secs(120), || {
            Ok((completed()? >= before + more).then_some(()))
        })
    }

    /// How many requests the functions of our binary answered with this status since they were started.
    pub(crate) fn answers_with(&self, status: u16) -> Result<u64> {
        let metrics = curl(&format!("http://127.0.0.1:{}/metrics", self.setting("FUNCTIONS_PORT")?))?;
        let label = format!("status=\"{status}\"");
        let lines =
            metrics.lines().filter(|line| line.starts_with("statefun_requests_total{") && line.contains(&label));
        lines.map(|line| Ok(line.rsplit(' ').next().unwrap_or_default().parse::<u64>()?)).sum()
    }

    /// A file of `up --tls`.
    pub(crate) fn tls_file(&self, name: &str) -> PathBuf {
        self.dir.join("tls").join(name)
    }

    pub(crate) fn functions_port(&self) -> Result<&str> {
        self.setting("FUNCTIONS_PORT")
    }

    /// Where the module says that the functions are, for those that are not our binary's.
    pub(crate) fn functions_address(&self) -> Result<SocketAddr> {
        let url = self.setting("FUNCTIONS_URL")?;
        let address = url.strip_prefix("http://").and_then(|rest| rest.split('/').next());
        address.with_context(|| format!("no address in {url}"))?.parse().with_context(|| url.to_owned())
    }

    /// The work folder; the ends of its logs are shown when a test fails.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Replaces the certificate of our binary by one of the same authority.
    pub(crate) fn renew_certificate(&self) -> Result<()> {
        self.script("renew-certificate", &[&self.folder()]).map(drop)
    }

    /// The ends of all logs.
    pub(crate) fn log_tails(&self) -> String {
        let Ok(files) = fs::read_dir(&self.dir) else { return String::new() };
        let logs =
            files.flatten().map(|file| file.path()).filter(|path| path.extension().is_some_and(|it| it == "log"));
        let tails = logs.map(|path| {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()).into_owned();
            // Without the frames of Java's stacks: a few lines of those would be all there is.
            let lines: Vec<_> = text.lines().filter(|line| !line.starts_with("\tat ")).collect();
            let lines = lines[lines.len().saturating_sub(12)..].iter().map(|line| line.chars().take(300).collect());
            format!("the end of {}:\n{}\n", path.display(), lines.collect::<Vec<String>>().join("\n"))
        });
        tails.collect()
    }

    fn job(&self) -> Result<String> {
        let jobs = self.rest("/jobs/overview")?;
        Ok(jobs["jobs"][0]["jid"].as_str().context("no job")?.to_owned())
    }

    fn rest(&self, path: &str) -> Result<Value> {
        let text = curl(&format!("http://127.0.0.1:{}{path}", self.setting("REST_PORT")?))?;
        serde_json::from_str(&text).with_context(|| format!("{path} of Flink's REST API"))
    }

    fn setting(&self, name: &str) -> Result<&str> {
        self.settings.get(name).map(String::as_str).with_context(|| format!("no {name} in the settings"))
    }

    fn folder(&self) -> String {
        self.dir.display().to_string()
    }

    fn script(&self, name: &str, args: &[&str]) -> Result<String> {
        run(&self.scripts, name, args, &self.environment)
    }
}

fn run(scripts: &Path, name: &str, args: &[&str], environment: &[(&'static str, String)]) -> Result<String> {
    let output = Command::new(scripts.join(name)).args(args).envs(environment.iter().cloned()).output();
    let output = output.with_context(|| format!("the script {name} cannot be run"))?;
    if !output.status.success() {
        bail!("{name} {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn curl(url: &str) -> Result<String> {
    let output = Command::new("curl").args(["-sS", "--fail", "--max-time", "20", url]).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// Waits until `condition` gives something.
pub(crate) fn wait<T>(what: &str, limit: Duration, mut condition: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(result) = condition()? {
            return Ok(result);
        }
        ensure!(Instant::now() < end, "gave up waiting for {what} after {limit:?}");
        sleep(Duration::from_millis(20));
    }
}
