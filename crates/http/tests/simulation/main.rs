//! A whole server on a simulated network and with a clock of its own: thousands of schedules, each made from a number, its seed.
//!
//! A seed says how the server is set, what clients do and when, what the network does to each packet, and when the server is told to
//! end. Whatever that is, what [`Schedule::check`] demands has to be true.
//!
//! | variable | meaning | default |
//! |---|---|---|
//! | `SIMULATION_SCHEDULES` | how many schedules | 1500 |
//! | `SIMULATION_SEED` | the first one's seed | 0 |

mod client;
mod journal;
mod network;

use std::future::Future;
use std::num::NonZeroU32;
use std::pin::pin;
use std::time::Duration;

use axum::middleware::from_fn;
use fastrand::Rng;
use futures_util::future::join_all;
use statefun_http::{Drain, Options, ServeError, Server, Timeouts};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use crate::client::{Kind, Manner, Order, Outcome, Plan, Report};
use crate::journal::{Gauges, Journal, value};
use crate::network::{Conditions, Network};

const HOSTS: usize = 3;

/// How long anything may take, by the clock of the schedule: longer than all requests of a client that nothing reaches.
const LONGEST: Duration = Duration::from_secs(600);

/// Longer than the write time-out of a server whose client vanished without closing its connection.
const SLOWEST: Duration = Duration::from_secs(35);

/// Longer than any request takes with a client that takes its response. Connections without one keep no server.
const PROMPT: Duration = Duration::from_secs(5);

/// Longer than any task lives on once a server has ended: it reads what is left of rejected bodies for 30 seconds.
const LAST_TASK: Duration = Duration::from_secs(31);

/// How late the end of a drain may be seen.
const LATE: Duration = Duration::from_millis(2);

/// How many connections there may be above the limit, as those that have to make room need a moment to end.
const LEAVING: usize = 32;

#[test]
fn a_drain_loses_no_request_that_was_taken_and_nothing_is_left() {
    let (first, count) = (variable("SIMULATION_SEED", 0), variable("SIMULATION_SCHEDULES", 1500));
    for seed in first..first + count {
        run(seed);
    }
}

#[test]
fn a_seed_is_always_the_same_schedule() {
    for seed in 0..20 {
        assert_eq!(run(seed), run(seed), "seed {seed}");
    }
}

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name} is no number: {value}")))
}

/// Tells how to run a schedule again that fails.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "this was seed {0}; to run it again: SIMULATION_SEED={0} SIMULATION_SCHEDULES=1 cargo test -p statefun-http --test \
                 simulation a_drain",
                self.0
            );
        }
    }
}

/// Returns what was sent over the network, as a number.
fn run(seed: u64) -> u64 {
    let _seed = Seed(seed);
    let schedule = Schedule::of(seed);
    let mut network = Network::start(HOSTS, schedule.conditions.clone(), Rng::with_seed(seed));
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let end = runtime.block_on(schedule.play(&mut network));
    schedule.check(&end);
    network.trace()
}

/// What happens, but for what comes of it.
#[derive(Debug)]
struct Schedule {
    seed: u64,
    options: Options,
    conditions: Conditions,
    /// The server has a layer that sees the heads of requests.
    layer: bool,
    /// Each on one of the hosts.
    clients: Vec<(usize, Vec<Plan>)>,
    /// When the server is told to end; `None` where that is after all requests.
    shutdown: Option<Duration>,
}

/// What came of it.
struct End {
    /// Of each client, with its host.
    reports: Vec<(usize, Vec<Report>)>,
    journal: Journal,
    began: Instant,
    shutdown: Instant,
    ended: Instant,
    result: Result<(), ServeError>,
}

/// A schedule that is played.
struct Watched<'a> {
    schedule: &'a Schedule,
    network: &'a mut Network,
    drain: Drain,
    gauges: Gauges,
}

impl Watched<'_> {
    /// Lets time pass until something is ready, which it has to be in the end. The limits are kept meanwhile.
    async fn until<T>(&mut self, ready: impl Future<Output = T>) -> T {
        let (mut ready, mut too_late) = (pin!(ready), pin!(sleep(LONGEST)));
        let Options { max_in_flight, max_connections, memory_budget, .. } = self.schedule.options;
        let (connections, memory) = (self.gauges.gauge("statefun_connections"), self.gauges.gauge(MEMORY));
        loop {
            tokio::select! {
                biased;
                output = &mut ready => return output,
                () = &mut too_late => panic!("this hangs: {:?}", self.schedule),
                () = self.network.tick() => {}
            }
            let in_flight = self.drain.in_flight();
            assert!(in_flight <= max_in_flight, "{in_flight} are in flight: {:?}", self.schedule);
            let (connections, memory) = (value(&connections), value(&memory));
            assert!(connections <= (max_connections + LEAVING) as f64, "{connections}: {:?}", self.schedule);
            assert!(memory <= memory_budget as f64, "{memory} bytes: {:?}", self.schedule);
        }
    }

    /// After all requests. The gauges are brought up to date each second.
    async fn is_at_rest(&mut self) {
        let rest = if self.schedule.all_take_responses() { Duration::from_millis(1500) } else { SLOWEST };
        self.until(sleep(rest)).await;
        assert_eq!(self.drain.in_flight(), 0, "in flight: {:?}", self.schedule);
        assert_eq!(value(&self.gauges.gauge(MEMORY)), 0.0, "memory is not given back: {:?}", self.schedule);
    }

    /// After the server.
    async fn nothing_is_left(&mut self) {
        sleep(LAST_TASK).await;
        assert_eq!(self.drain.in_flight(), 0, "in flight: {:?}", self.schedule);
        assert_eq!(value(&self.gauges.gauge("statefun_requests_in_flight")), 0.0, "in flight: {:?}", self.schedule);
        assert_eq!(value(&self.gauges.gauge("statefun_connections")), 0.0, "connections: {:?}", self.schedule);
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 0, "tasks: {:?}", self.schedule);
    }
}

impl Schedule {
    fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let loss = one_of(&mut rng, [0.0, 0.0, 0.02]);
        let millis = |rng: &mut Rng, most| Duration::from_millis(rng.u64(..most));
        let conditions = Conditions {
            latency: Duration::from_micros(one_of(&mut rng, [0, 500, 5_000, 20_000])),
            loss,
            send_buffer: one_of(&mut rng, [4, 16, 64]) * 1024,
            holds: (0..rng.usize(..3))
                .map(|_| {
                    let from = millis(&mut rng, 300);
                    (rng.usize(..HOSTS), from..from + millis(&mut rng, 150))
                })
                .collect(),
            cuts: (0..rng.usize(..8) / 7).map(|_| (rng.usize(..HOSTS), millis(&mut rng, 300))).collect(),
        };
        let timeouts = Timeouts {
            idle: Duration::from_millis(one_of(&mut rng, [60, 300, 75_000])),
            head: Duration::from_millis(one_of(&mut rng, [50, 10_000])),
            ..Timeouts::default()
        };
        let options = Options {
            drain_delay: Duration::from_millis(one_of(&mut rng, [0, 0, 20, 200])),
            drain_timeout: Duration::from_millis(one_of(&mut rng, [40_000, 40_000, 40_000, 20])),
            max_connections: one_of(&mut rng, [2, 4, 1000]),
            max_in_flight: one_of(&mut rng, [1, 3, 1000]),
            memory_budget: one_of(&mut rng, [64, 128, 8192]) * 1024,
            rate_limit: NonZeroU32::new(one_of(&mut rng, [0, 0, 50, 500])),
            invocation_timeout: Duration::from_millis(one_of(&mut rng, [80, 30_000])),
            timeouts,
            metrics: true,
            ..Options::default()
        };
        let mut number = 0;
        let manners = one_of(&mut rng, [8, 10]);
        let clients = (0..rng.usize(2..8)).map(|_| {
            let plans = (0..rng.usize(1..4)).map(|_| {
                number += 1;
                plan(number, manners, &mut rng)
            });
            let plans = plans.collect();
            (rng.usize(..HOSTS), plans)
        });
        let clients = clients.collect();
        let (layer, all_before) = (rng.bool(), rng.u8(..3) == 0);
        let shutdown = (!all_before).then(|| millis(&mut rng, 300));
        Self { seed, options, conditions, layer, clients, shutdown }
    }

    fn all_take_responses(&self) -> bool {
        let mut plans = self.clients.iter().flat_map(|(_, plans)| plans);
        self.conditions.cuts.is_empty() && plans.all(|plan| plan.manner.takes_responses())
    }

    async fn play(&self, network: &mut Network) -> End {
        let (journal, gauges) = (Journal::default(), Gauges::default());
        let began = Instant::now();
        let (end, told) = oneshot::channel::<()>();
        let (server, drain) = self.server(&journal, &gauges);
        let mut watched = Watched { schedule: self, network, drain, gauges };
        let server = tokio::spawn(server.serve(watched.network.listen().await, async { drop(told.await) }));
        let mut rng = Rng::with_seed(self.seed);
        let clients = self.clients.iter().map(|(host, plans)| {
            let client = tokio::spawn(client::run(watched.network.client(*host), plans.clone(), rng.fork()));
            async { (*host, client.await.unwrap()) }
        });
        let mut clients = join_all(clients);
        let finished = match self.shutdown {
            Some(at) => {
                watched.until(sleep(at)).await;
                None
            }
            None => {
                let reports = watched.until(&mut clients).await;
                watched.is_at_rest().await;
                Some(reports)
            }
        };
        let shutdown = Instant::now();
        end.send(()).unwrap();
        let result = watched.until(server).await.unwrap();
        let ended = Instant::now();
        let reports = match finished {
            Some(reports) => reports,
            None => watched.until(clients).await,
        };
        watched.nothing_is_left().await;
        End { reports, journal, began, shutdown, ended, result }
    }

    fn server(&self, journal: &Journal, gauges: &Gauges) -> (Server, Drain) {
        let server = metrics::with_local_recorder(gauges, || Server::new(journal.registry(), self.options.clone()));
        let mut server = server.unwrap();
        if self.layer {
            let journal = journal.clone();
            server = server.layer(from_fn(move |request, next| journal.clone().layer(request, next)));
        }
        let drain = server.drain();
        (server, drain)
    }

    fn check(&self, end: &End) {
        let took = end.ended - end.shutdown;
        let Options { drain_delay, drain_timeout, max_in_flight, .. } = self.options;
        assert!(took <= drain_delay + drain_timeout + LATE, "the drain took {took:?}: {self:?}");
        if self.all_take_responses() {
            assert!(took <= drain_delay + PROMPT, "without a reason, the drain took {took:?}: {self:?}");
        }
        if end.result.is_err() {
            assert!(took >= drain_delay + drain_timeout, "{:?} after {took:?}: {self:?}", end.result);
            assert!(drain_timeout < SLOWEST, "{:?}: {self:?}", end.result);
        }
        assert!(end.journal.most_at_work() <= max_in_flight, "{} at work: {self:?}", end.journal.most_at_work());
        for (host, reports) in &end.reports {
            reports.iter().for_each(|report| self.check_request(end, *host, report));
        }
    }

    fn check_request(&self, end: &End, host: usize, report: &Report) {
        let Report { plan, outcome, began, ended, reused } = report;
        let seen = end.journal.of(plan.number());
        let fail = |what: &str| {
            let (shutdown, began, ended) = (end.shutdown - end.began, *began - end.began, *ended - end.began);
            panic!("{what}, {seen:?}, at {began:?} to {ended:?} of shutdown at {shutdown:?}: {report:?} of {self:?}")
        };
        let closing = end.shutdown + self.options.drain_delay;
        if let Outcome::Response(answer) = outcome {
            if answer.status == 200
                && let Kind::Invocation(order, _) = plan.kind
                && (!seen.responded || client::emitted(&answer.body) != order.response())
            {
                fail("a wrong response");
            }
            if *began > end.shutdown && !answer.closes {
                fail("no `connection: close`");
            }
            if *began > end.shutdown && matches!(plan.kind, Kind::Readiness(_)) && answer.status != 503 {
                fail("it is ready while it drains");
            }
            return;
        }
        if *outcome == Outcome::GaveUp || self.conditions.cuts.iter().any(|(cut, _)| *cut == host) {
            return;
        }
        if *outcome == Outcome::Hung {
            fail("a client was left waiting");
        }
        if seen.slot && plan.manner.is_patient() && end.result.is_ok() {
            fail("a request that was taken is lost");
        }
        if *ended >= closing {
            return;
        }
        if seen.head && plan.manner.is_patient() {
            fail("a request whose head came is lost");
        }
        if matches!(outcome, Outcome::NotConnected(_)) {
            fail("a connection is refused");
        }
        let room = self.options.max_connections > self.clients.len();
        // A link that is held may keep a request from a new connection for longer than that may be idle.
        let patient = self.options.timeouts.idle > Duration::from_secs(1);
        if !reused && room && patient && plan.manner == Manner::AtOnce {
            fail("a request on a new connection is lost");
        }
    }
}

const MEMORY: &str = "statefun_memory_budget_used_bytes";

/// A request in one of the first of ten manners.
fn plan(number: u32, manners: u8, rng: &mut Rng) -> Plan {
    let order = Order { number, millis: one_of(rng, [0, 1, 5, 50, 150]), bytes: one_of(rng, [0, 100, 10_000, 30_000]) };
    let larger = one_of(rng, [0, 0, 1_000, 8_000, 30_000]);
    let kind = if rng.u8(..5) == 0 { Kind::Readiness(number) } else { Kind::Invocation(order, larger) };
    let manner = match rng.u8(..manners) {
        0..3 => Manner::AtOnce,
        3..6 => Manner::InPieces(rng.usize(2..5)),
        6 => Manner::ReadsSlowly,
        7 => Manner::Stops(rng.usize(..100)),
        8 => Manner::GoesAway(rng.u64(..100)),
        _ => Manner::StopsReading,
    };
    Plan { pause: one_of(rng, [0, 0, 10, 100]), kind, manner }
}

fn one_of<T: Copy, const N: usize>(rng: &mut Rng, choices: [T; N]) -> T {
    choices[rng.usize(..N)]
}
