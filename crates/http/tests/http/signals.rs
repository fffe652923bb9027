//! A process that is told to end: this test's own binary, run again.

use std::net::SocketAddr;
use std::process::ExitStatus;
use std::time::Duration;

use statefun_http::{Options, serve};
use statefun_test_support::process::url_in_log;
use tokio::process::{Child, Command};

use crate::support::{Answer, Client, counter, get, options, registry, within};

/// What the other tests run, with a drain delay in its environment; without one it is nothing.
#[tokio::test]
async fn serve_until_told() {
    let Ok(drain_delay) = std::env::var("STATEFUN_TEST_DRAIN") else { return };
    let drain_delay = Duration::from_secs(drain_delay.parse().unwrap());
    tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stderr).init();
    serve(registry([counter("signals/served")]), Options { drain_delay, ..options() }).await.unwrap();
}

struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    async fn start(drain_delay: u32) -> Self {
        Self::start_by("exec \"$0\" --exact signals::serve_until_told", drain_delay).await
    }

    /// With the path of this test's binary as `$0`.
    async fn start_by(script: &str, drain_delay: u32) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", script])
            .arg(std::env::current_exe().unwrap())
            .env("STATEFUN_TEST_DRAIN", drain_delay.to_string())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let log = std::fs::File::from(child.stderr.take().unwrap().into_owned_fd().unwrap());
        let url = url_in_log(log);
        let address = url.strip_prefix("http://").unwrap().parse().unwrap();
        let process = Self { child, address };
        process.until_readiness_is(200).await;
        process
    }

    async fn until_readiness_is(&self, status: u16) {
        within(async {
            loop {
                if self.get("/readyz").await.status == status {
                    return;
                }
            }
        })
        .await;
    }

    async fn get(&self, path: &str) -> Answer {
        get(self.address, path).await
    }

    async fn signal(&self, signal: &str) {
        let pid = self.child.id().unwrap().to_string();
        // The shell's own: a machine need not have the program.
        let kill = format!("kill {signal} {pid}");
        assert!(Command::new("sh").args(["-c", &kill]).status().await.unwrap().success());
    }

    async fn ended(mut self) -> ExitStatus {
        within(self.child.wait()).await.unwrap()
    }
}

#[tokio::test]
async fn a_signal_ends_it_well() {
    for signal in ["-TERM", "-INT"] {
        let process = Process::start(0).await;
        process.signal(signal).await;
        assert!(process.ended().await.success());
    }
}

#[tokio::test]
async fn a_hangup_does_not_end_it() {
    let process = Process::start(0).await;
    process.signal("-HUP").await;
    process.until_readiness_is(200).await;
    process.signal("-TERM").await;
    assert!(process.ended().await.success());
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let process = Process::start(600).await;
    process.signal("-TERM").await;
    process.until_readiness_is(503).await;
    process.signal("-TERM").await;
    // Not by the signal itself: `serve` has returned an error.
    assert_eq!(process.ended().await.code(), Some(101));
}

#[tokio::test]
async fn the_limit_of_open_files_leaves_room_for_new_connections() {
    let process = Process::start_by("ulimit -n 96 && exec \"$0\" --exact signals::serve_until_told", 0).await;
    let mut idle = Vec::new();
    for _ in 0..100 {
        idle.push(Client::new(tokio::net::TcpStream::connect(process.address).await.unwrap()));
        process.until_readiness_is(200).await;
    }
    assert!(idle[0].closed().await);
    let metrics = process.get("/metrics").await.text();
    let open = metrics.lines().find_map(|line| line.strip_prefix("statefun_connections ")).unwrap();
    assert!((30..=33).contains(&open.parse::<u32>().unwrap()), "{open}");
    process.signal("-TERM").await;
    assert!(process.ended().await.success());
}
