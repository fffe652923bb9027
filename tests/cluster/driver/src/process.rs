//! A release as a process of its own, which can be ended and followed by another one on the same port.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;

use crate::cluster::wait;
use crate::release::Kind;
use statefun_test_support::process::signal;

/// The drain delay and the drain timeout of a release, and a busy machine.
const END: Duration = Duration::from_secs(40);

/// An address of this machine that nothing listens on.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// `GET path`: the status and the body.
pub(crate) fn get(address: SocketAddr, path: &str) -> Result<(u16, String)> {
    let limit = Duration::from_secs(5);
    let mut stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_read_timeout(Some(limit))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    let (head, body) = response.split_once("\r\n\r\n").context("no end of the response's head")?;
    let status = head.split(' ').nth(1).context("no status")?.parse()?;
    Ok((status, body.to_owned()))
}

/// A release that serves. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pub(crate) admin: SocketAddr,
    log: PathBuf,
}

impl Process {
    /// Returns once it is ready. The log is in `folder`.
    pub(crate) fn start(folder: &Path, kind: Kind, listen: SocketAddr, options: &[&str]) -> Result<Self> {
        let admin = free_address()?;
        let kind = kind.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        let log = folder.join(format!("release-{kind}-{}.log", admin.port()));
        let child = Command::new(std::env::current_exe()?)
            .args(["release", "--release", &kind, "--listen", &listen.to_string()])
            .args(["--admin-listen", &admin.to_string()])
            .args(options)
            .stderr(File::create(&log)?)
            .spawn()?;
        let mut process = Self { child, admin, log };
        wait(&format!("the release {kind} to be ready"), Duration::from_secs(30), || {
            if let Some(status) = process.child.try_wait()? {
                bail!("it ended with {status}: {}", process.log()?);
            }
            Ok(get(admin, "/readyz").is_ok_and(|(status, _)| status == 200).then_some(()))
        })?;
        Ok(process)
    }

    /// SIGTERM. Returns how it ended, and after how long.
    pub(crate) fn terminate(mut self) -> Result<(ExitStatus, Duration)> {
        let start = Instant::now();
        signal(self.child.id(), "TERM");
        let status = wait("a release to end after SIGTERM", END, || Ok(self.child.try_wait()?))?;
        Ok((status, start.elapsed()))
    }

    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// What it logged.
    pub(crate) fn log(&self) -> Result<String> {
        Ok(std::fs::read_to_string(&self.log)?)
    }

    /// The sum of the metrics whose line begins with `name` and contains all of `labels`.
    pub(crate) fn metric(&self, name: &str, labels: &[&str]) -> Result<u64> {
        let (status, text) = get(self.admin, "/metrics")?;
        ensure!(status == 200, "/metrics: {status} {text}");
        let begins = |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
        let lines = text.lines().filter(|line| begins(line) && labels.iter().all(|label| line.contains(label)));
        lines.map(|line| Ok(line.rsplit(' ').next().unwrap_or_default().parse::<f64>()? as u64)).sum()
    }

    /// How many batches of a function failed with this kind.
    pub(crate) fn failures(&self, function: &str, kind: &str) -> Result<u64> {
        let labels = [format!("function=\"{function}\""), format!("kind=\"{kind}\"")];
        self.metric("statefun_failures_total", &labels.each_ref().map(String::as_str))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
