//! The program, started on a free port, and `curl`.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use statefun_test_support::process::{signal, url_in_log, wait_until};

pub(crate) struct Server {
    process: Child,
    pub(crate) url: String,
}

impl Server {
    pub(crate) fn start(options: &[&str]) -> Self {
        Self::start_with(options, &[])
    }

    /// As [`start`](Self::start), with these environment variables.
    pub(crate) fn start_with(options: &[&str], environment: &[(&str, &Path)]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_statefun-server"))
            .args(["serve", "--listen", "127.0.0.1:0", "--log", "info"])
            .args(options)
            .env("NO_COLOR", "1")
            .envs(environment.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let url = url_in_log(process.stderr.take().expect("piped"));
        Self { process, url }
    }

    pub(crate) fn terminate(&self) {
        signal(self.process.id(), "TERM");
    }

    pub(crate) fn hang_up(&self) {
        signal(self.process.id(), "HUP");
    }

    /// Waits for the program to end by itself.
    pub(crate) fn ended(mut self) -> ExitStatus {
        wait_until("the program ends", || self.process.try_wait().expect("a process of ours"))
    }

    /// Posts a body to `/statefun` as a runtime does.
    pub(crate) fn post(&self, body: &Path, options: &[&str]) -> Answer {
        let body = format!("@{}", body.display());
        let mut arguments = vec!["--data-binary", &body, "--header", "content-type: application/octet-stream"];
        arguments.extend(options);
        self.curl("/statefun", &arguments)
    }

    /// Waits until `/metrics` has this line: it may be from some moments ago.
    pub(crate) fn until_metric(&self, line: &str) {
        wait_until(line, || self.curl("/metrics", &[]).text().lines().any(|found| found == line).then_some(()));
    }

    pub(crate) fn curl(&self, path: &str, options: &[&str]) -> Answer {
        self.try_curl(path, options).expect("an answer")
    }

    /// `None` if `curl` fails, and then it says why on standard error.
    pub(crate) fn try_curl(&self, path: &str, options: &[&str]) -> Option<Answer> {
        let Output { status, stdout, stderr } = Command::new("curl")
            .args(["--silent", "--show-error", "--include", "--max-time", "60", "--header", "expect:"])
            .args(options)
            .arg(format!("{}{path}", self.url))
            .output()
            .expect("curl runs");
        eprint!("{}", String::from_utf8_lossy(&stderr));
        status.success().then(|| Answer::of(&stdout))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    fn of(output: &[u8]) -> Self {
        let end = output.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8(output[..end].to_vec()).expect("a head of text");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Self { status, head, body: output[end + 4..].to_vec() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    /// Checks that this refuses a request in one line of text, and returns the line.
    pub(crate) fn refusal(&self, status: u16) -> &str {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("text/plain; charset=utf-8"));
        let text = self.text();
        assert_eq!(text.trim_end().lines().count(), 1, "{text:?}");
        text
    }
}
