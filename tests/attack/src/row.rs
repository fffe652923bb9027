//! The table: what is sent to a server with which options, and what it must not do.

use std::time::Duration;

use crate::attack::Attack;
use crate::bodies::{Body, MIB};

/// What is judged besides readiness, the drain and the attack's own findings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The most resident memory, in MiB.
    pub(crate) peak_mib: u64,
    /// How many of the healthy requests have to be served, in percent.
    pub(crate) healthy: f64,
}

/// The most resident memory of a pod with 512 MiB.
const POD: Limits = Limits { peak_mib: 400, healthy: 99.9 };
/// Under a flood that takes all the CPU.
const FLOOD: Limits = Limits { healthy: 95.0, ..POD };

/// The limits where one body of so many MiB attacks.
const fn one_body(mebibytes: u64) -> Limits {
    let peak_mib = 4 * mebibytes + 64;
    Limits { peak_mib: if peak_mib < POD.peak_mib { peak_mib } else { POD.peak_mib }, ..POD }
}

/// Which form of the table has a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Quick,
    Full,
    Both,
}

#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Rows with the same id are cases of one attack.
    pub(crate) id: &'static str,
    /// What is sent.
    pub(crate) sends: &'static str,
    pub(crate) attack: Attack,
    pub(crate) limits: Limits,
    /// Options of `serve` besides those of every row.
    pub(crate) options: &'static [&'static str],
    pub(crate) form: Form,
    pub(crate) tls: bool,
    pub(crate) descriptors: Option<u32>,
    pub(crate) unread_log: bool,
    /// Its connections stay while the server shuts down.
    pub(crate) held: bool,
    /// The healthy stream is finished before the attack: a server that shuts down serves it no more.
    pub(crate) alone: bool,
}

/// The server's delay before it closes; the row of SIGTERM has one of its own.
pub(crate) const NO_DELAY: [&str; 2] = ["--drain-delay", "0s"];
/// Where the option of the scoring service is, the black hole is.
pub(crate) const BLACK_HOLE: &str = "--scoring-url";
const DRAIN: Duration = Duration::from_secs(2);

impl Row {
    const fn new(id: &'static str, sends: &'static str, attack: Attack, limits: Limits) -> Self {
        Self {
            id,
            sends,
            attack,
            limits,
            options: &NO_DELAY,
            form: Form::Full,
            tls: false,
            descriptors: None,
            unread_log: false,
            held: false,
            alone: false,
        }
    }

    const fn quick(self) -> Self {
        Self { form: Form::Both, ..self }
    }

    const fn only_quick(self) -> Self {
        Self { form: Form::Quick, ..self }
    }

    const fn tls(self) -> Self {
        Self { tls: true, ..self }
    }

    const fn held(self) -> Self {
        Self { held: true, ..self }
    }

    const fn options(self, options: &'static [&'static str]) -> Self {
        Self { options, ..self }
    }
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn bodies(body: Body, at_once: usize) -> Attack {
    Attack::Bodies { body, at_once }
}

const fn half_heads(connections: usize, bytes: usize) -> Attack {
    Attack::HalfHeads { connections, bytes, hold: Duration::from_secs(5) }
}

const fn half_bodies(connections: usize, announced: usize, sent: usize, drip: bool, hold: Duration) -> Attack {
    Attack::HalfBodies { connections, announced, sent, drip, hold }
}

/// In the order in which they are run.
pub(crate) fn all() -> Vec<Row> {
    let unknown = Body::Invocations { function: "demo/nobody", state: false, bytes: 16 * MIB };
    let array = |member| Body::Array { member, bytes: 30 * MIB };
    // A small request of which the response is some 200 or some 20 MB.
    let (large, medium) =
        (Body::Product { subscribers: 900, events: 900 }, Body::Product { subscribers: 300, events: 300 });
    let slow = |body, connections| Attack::SlowReaders { body, connections, hold: seconds(8) };
    let almost = 63 * MIB;
    vec![
        Row::new(
            "1a",
            "1 MiB of 2-byte invocations, state missing",
            bodies(Body::invocations(false, 1), 1),
            one_body(1),
        )
        .quick(),
        Row::new("1a", "4 MiB of the same", bodies(Body::invocations(false, 4), 1), one_body(4)).quick(),
        Row::new("1a", "6 MiB", bodies(Body::invocations(false, 6), 1), one_body(6)),
        Row::new("1a", "16 MiB", bodies(Body::invocations(false, 16), 1), one_body(16)).quick(),
        Row::new("1a", "32 MiB", bodies(Body::invocations(false, 32), 1), one_body(32)),
        Row::new("1a", "64 MiB", bodies(Body::invocations(false, 63), 1), one_body(64)),
        Row::new("1a", "16 MiB of 2-byte states", bodies(Body::States { bytes: 16 * MIB }, 1), one_body(16)).quick(),
        Row::new("1a", "16 MiB to an unknown function", bodies(unknown, 1), one_body(16)).quick(),
        Row::new("1b", "16 × 16 MiB of 2-byte invocations at once", bodies(Body::invocations(false, 16), 16), FLOOD),
        Row::new(
            "1c",
            "1 MiB of 2-byte invocations, state present",
            bodies(Body::invocations(true, 1), 1),
            one_body(1),
        )
        .quick(),
        Row::new("1c", "4 MiB of the same", bodies(Body::invocations(true, 4), 1), one_body(4)),
        Row::new("1c", "2 × 4 MiB", bodies(Body::invocations(true, 4), 2), FLOOD),
        Row::new(
            "1d",
            "product with 4000 subscribers, 4000 events",
            bodies(Body::Product { subscribers: 4000, events: 4000 }, 1),
            POD,
        )
        .quick(),
        Row::new("1f", "an event with 30 MB of array in `data`", bodies(array("data"), 1), one_body(30)).quick(),
        Row::new("1f", "the same in an extension attribute", bodies(array("ext"), 1), one_body(30)).quick(),
        Row::new("2", "100 × 63 of 64 MiB, then silence", half_bodies(100, 64 * MIB, almost, false, seconds(10)), POD),
        Row::new(
            "2",
            "20 × 63 of 64 MiB, then a byte each 0.1 s",
            half_bodies(20, 64 * MIB, almost, true, seconds(10)),
            POD,
        ),
        Row::new("3a", "2,000 idle connections", half_heads(2000, 0), POD).quick(),
        Row::new("3a", "9,500 idle connections", half_heads(9500, 0), POD),
        Row::new("3a", "9,500 half heads of 60 bytes", half_heads(9500, 60), POD),
        Row::new("3b", "4,096 half bodies of 60 bytes", half_bodies(4096, 100, 60, false, seconds(5)), POD),
        Row::new("3b", "8 half bodies, --max-in-flight 8", half_bodies(8, 100, 60, false, seconds(3)), POD)
            .options(&[NO_DELAY[0], NO_DELAY[1], "--max-in-flight", "8"])
            .quick(),
        Row::new("3c", "2,000 half heads of 390 kB", half_heads(2000, 390_000), POD),
        Row::new("3e", "15 readers of some 200 MB that never read", slow(large, 15), POD),
        Row::new("3e", "15 readers of some 20 MB that never read", slow(medium, 15), POD),
        Row::new("4", "20,000 connections, each reset at once", Attack::Resets { connections: 20_000 }, FLOOD),
        Row::new("4", "2,000 connections, each reset at once", Attack::Resets { connections: 2000 }, FLOOD)
            .only_quick(),
        // A tenth of the healthy requests needs a descriptor.
        Row {
            descriptors: Some(128),
            ..Row::new(
                "5",
                "200 idle connections, 128 file descriptors",
                half_heads(200, 0),
                Limits { healthy: 85.0, ..POD },
            )
        },
        Row::new(
            "6",
            "greetings in a closed loop, 64 connections",
            Attack::Load { connections: 64, time: seconds(5) },
            FLOOD,
        ),
        Row::new(
            "6",
            "greetings in a closed loop, 512 connections",
            Attack::Load { connections: 512, time: seconds(5) },
            FLOOD,
        ),
        Row {
            unread_log: true,
            ..Row::new("6b", "2,000 refused requests; nobody reads stderr", Attack::Refused { requests: 2000 }, POD)
        }
        .quick(),
        Row::new("7", "2,000 TLS handshakes that stall", half_heads(2000, 0), POD).tls(),
        Row::new("7b", "SIGTERM beside a TLS handshake that stalls", half_heads(1, 0), POD).tls().held(),
        Row::new("7b", "SIGTERM beside a half head", half_heads(1, 60), POD).held(),
        Row::new("7b", "SIGTERM beside a half body", half_bodies(1, 100, 60, false, seconds(1)), POD).held(),
        Row::new("7b", "SIGTERM beside a body that drips", half_bodies(1, 100, 60, true, seconds(1)), POD).held(),
        Row::new("7b", "SIGTERM beside a reader that does not read", slow(medium, 1), POD).held(),
        Row {
            alone: true,
            ..Row::new(
                "8",
                "SIGTERM under 32 busy connections",
                Attack::Terminate { connections: 32, drain: DRAIN },
                FLOOD,
            )
        }
        .options(&["--drain-delay", "2s"])
        .quick(),
        Row::new(
            "9",
            "2 × 500 merchants; the scoring service never answers",
            Attack::Merchants { at_once: 500, pause: seconds(6) },
            POD,
        )
        .options(&[NO_DELAY[0], NO_DELAY[1], BLACK_HOLE]),
        Row::new("11", "20,000 mutated requests", Attack::Mutated { requests: 20_000, connections: 16 }, FLOOD),
        Row::new("11", "4,000 mutated requests", Attack::Mutated { requests: 4000, connections: 16 }, FLOOD)
            .only_quick(),
    ]
}
