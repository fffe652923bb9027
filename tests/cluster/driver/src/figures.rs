use std::fmt;

/// What one step of a test counted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures {
    pub(crate) step: String,
    /// Records to the ingress.
    pub(crate) events: usize,
    /// Records on the egress, as a reader of committed records sees them.
    pub(crate) results: usize,
    /// Expected results that are not there.
    pub(crate) lost: usize,
    /// Results that are there more often than expected.
    pub(crate) doubled: usize,
    /// Restarts of the job meanwhile.
    pub(crate) restarts: u64,
    pub(crate) seconds: f64,
}

/// The figures of all tests, and how many passed.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Figures>,
    passed: usize,
    failed: usize,
}

impl Report {
    /// Notes the figures of a step, and prints them.
    pub(crate) fn step(&mut self, figures: Figures) {
        println!("{}\n{}", header(), row(&figures));
        self.rows.push(figures);
    }

    pub(crate) fn test(&mut self, name: &str, passed: bool) {
        println!("{}: {name}", if passed { "passed" } else { "failed" });
        if passed { self.passed += 1 } else { self.failed += 1 }
    }

    /// Counts tests that could not run.
    pub(crate) fn missing(&mut self, tests: usize) {
        self.failed += tests;
    }

    /// How many tests ended.
    pub(crate) fn tests(&self) -> usize {
        self.passed + self.failed
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed > 0
    }
}

fn header() -> String {
    format!("{:<62} {:>8} {:>8} {:>6} {:>8} {:>9} {:>8}", "step", "in", "out", "lost", "doubled", "restarts", "seconds")
}

fn row(figures: &Figures) -> String {
    let Figures { step, events, results, lost, doubled, restarts, seconds } = figures;
    format!("{step:<62} {events:>8} {results:>8} {lost:>6} {doubled:>8} {restarts:>9} {seconds:>8.1}")
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", header())?;
        for figures in &self.rows {
            writeln!(f, "{}", row(figures))?;
        }
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}
