//! One schedule: the cluster, the processes of the functions, and the steps that they take.

use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::runtime::Builder;

use super::choices::Choices;
use super::notes::shown;
use super::steps::{Step, draw};
use super::{Dependency, FaultCounts, Ran, Report, Schedule, Simulation, Timeline, View, repeat};
use crate::local::Emitted;
use crate::local::cluster::{Applied, Cluster};
use crate::local::mailboxes::Pending;
use crate::simulated::Tokens;
use crate::{Address, HandlerError, RequestReplyHandler, Response, TypedValue};

/// The most steps for each message that is sent: more is a job that never comes to rest.
const MOST_STEPS: u64 = 5_000;

/// The most attempts for a request that fails though no dependency did.
const MOST_ATTEMPTS: u32 = 20;

/// How often functions are looked at that wait for something real, a millisecond apart.
const MOST_WAITS: u32 = 10_000;

const A_MOMENT: Duration = Duration::from_millis(1);

/// A property that does not hold.
#[derive(Debug, Clone)]
pub(super) struct Broken {
    pub(super) property: String,
    pub(super) reason: String,
}

fn broken(property: &str, reason: impl fmt::Display) -> Broken {
    Broken { property: property.to_owned(), reason: reason.to_string() }
}

pub(super) type Handling = BoxFuture<'static, Result<Response, HandlerError>>;

/// A request that waits for its response to be applied.
pub(super) struct InFlight {
    pub(super) target: Address,
    pub(super) request: Bytes,
    pub(super) stage: Stage,
    /// The release that it was sent to last.
    pub(super) release: usize,
    pub(super) attempts: u32,
    pub(super) tokens: Tokens,
    /// A dependency was called: its response need not be the same once more.
    pub(super) called_out: bool,
}

pub(super) enum Stage {
    /// To be sent.
    Waiting,
    Running(Handling),
    Answered(Result<Response, HandlerError>),
}

/// What a checkpoint holds.
#[derive(Clone)]
pub(super) struct Checkpoint {
    pub(super) cluster: Cluster,
    /// How many messages of each ingress were read.
    pub(super) read: Vec<usize>,
    pub(super) messages: u64,
}

pub(super) struct World<'a, W> {
    pub(super) simulation: &'a Simulation<W>,
    /// One message after the other, and no fault.
    pub(super) in_order: bool,
    pub(super) choices: Choices,
    /// How many faults of each kind may still happen.
    pub(super) left: FaultCounts,
    pub(super) outside: W,
    pub(super) dependency: Dependency,
    /// The processes of the functions: one for each release.
    pub(super) processes: Vec<RequestReplyHandler>,
    /// Processes that only repeat requests, of each release.
    pub(super) others: Vec<Option<RequestReplyHandler>>,
    /// The release that runs, and the other one where requests go to either.
    pub(super) release: usize,
    pub(super) also: Option<usize>,
    pub(super) sent: Vec<&'a (Address, TypedValue)>,
    /// The messages of each address, in their order.
    pub(super) ingresses: Vec<Vec<&'a (Address, TypedValue)>>,
    pub(super) now: Checkpoint,
    pub(super) checkpoint: Checkpoint,
    pub(super) in_flight: Vec<InFlight>,
    pub(super) abandoned: Vec<Handling>,
    pub(super) at_least_once: Vec<Emitted>,
    /// The largest batch.
    pub(super) most: usize,
    pub(super) report: Report,
    pub(super) timeline: Option<Timeline>,
}

impl<'a, W: 'static> World<'a, W> {
    pub(super) fn new(simulation: &'a Simulation<W>, schedule: &Schedule, noting: bool) -> Self {
        let in_order = schedule.seed.is_none();
        let mut choices = Choices::new(schedule.seed.unwrap_or_default());
        let left = draw(&mut choices, simulation, schedule);
        let dependency = Dependency::new(choices.next(), left);
        let outside = (simulation.outside)(&dependency);
        let mut cluster = Cluster::default();
        let releases = 0..simulation.releases.len();
        let processes: Vec<_> = releases.map(|release| simulation.process(release, &outside)).collect();
        processes.iter().for_each(|process| cluster.knows(process.registry()));
        let messages = &simulation.messages;
        let sent: Vec<_> = match &schedule.messages {
            Some(positions) => positions.iter().filter_map(|&position| messages.get(position)).collect(),
            None => messages.iter().collect(),
        };
        let mut ingresses: BTreeMap<&Address, Vec<_>> = BTreeMap::new();
        if !in_order {
            sent.iter().for_each(|&message| ingresses.entry(&message.0).or_default().push(message));
        }
        let ingresses = if in_order { vec![sent.clone()] } else { ingresses.into_values().collect() };
        let now = Checkpoint { read: vec![0; ingresses.len()], cluster, messages: 0 };
        let most = if in_order { 1 } else { choices.pick(&[1000, 1000, 3, 2]) };
        Self {
            simulation,
            in_order,
            left,
            outside,
            dependency,
            others: vec![None; processes.len()],
            processes,
            release: 0,
            also: None,
            sent,
            ingresses,
            checkpoint: now.clone(),
            now,
            in_flight: Vec::new(),
            abandoned: Vec::new(),
            at_least_once: Vec::new(),
            most,
            report: Report { schedules: 1, ..Report::default() },
            timeline: noting.then(Timeline::default),
            choices,
        }
    }

    pub(super) fn run(mut self) -> Ran {
        let result = match Builder::new_current_thread().enable_time().build() {
            Ok(runtime) => runtime.block_on(self.go()),
            Err(error) => Err(broken("there is a Tokio runtime", error)),
        };
        if let Err(Broken { property, reason }) = &result {
            self.note(|| format!("FAILS: {property}: {reason}"));
        }
        self.report.messages = self.now.messages;
        self.report.faults.add(&self.dependency.calls().made);
        Ran { result, report: self.report, timeline: self.timeline.unwrap_or_default() }
    }

    async fn go(&mut self) -> Result<(), Broken> {
        let most_steps = MOST_STEPS * (1 + self.sent.len() as u64);
        let mut waits = 0;
        for number in 0..most_steps {
            self.dependency.calls().step = number;
            let Some(step) = self.next_step() else {
                return self.check(false);
            };
            let polled = matches!(step, Step::Poll(_));
            let progressed = self.take(step).await?;
            if !polled || progressed {
                waits = 0;
            } else if self.has_other_steps() || self.dependency.calls().is_slow() {
                // Tasks that the function waits for need the thread.
                tokio::task::yield_now().await;
            } else if waits < MOST_WAITS {
                waits += 1;
                tokio::time::sleep(A_MOMENT).await;
            } else {
                return Err(broken("functions return", "one has been waiting for ten seconds"));
            }
        }
        Err(broken("the job comes to rest", format_args!("it has not after {most_steps} steps")))
    }

    /// Returns whether anything has changed.
    async fn take(&mut self, step: Step) -> Result<bool, Broken> {
        match step {
            Step::Read(ingress) => self.read(ingress),
            Step::Begin(position) => self.begin(position),
            Step::Poll(position) => return Ok(self.poll(position).await),
            Step::PollAbandoned(position) => {
                // Nobody sees its tokens.
                let mut tokens = Tokens::of(0);
                if poll_once(&mut self.abandoned[position], &mut tokens).await.is_ready() {
                    drop(self.abandoned.swap_remove(position));
                }
            }
            Step::Deliver(position) => self.deliver(position).await?,
            Step::Checkpoint => {
                self.checkpoint = self.now.clone();
                self.note(|| "checkpoint".to_owned());
            }
            Step::Advance => self.advance(false),
            Step::Fault(fault, position) => {
                if self.fault(fault, position) {
                    self.left.take(fault);
                    self.report.faults.count(fault);
                }
            }
        }
        Ok(true)
    }

    fn read(&mut self, ingress: usize) {
        let (target, message) = self.ingresses[ingress][self.now.read[ingress]];
        self.now.read[ingress] += 1;
        self.note(|| format!("an ingress sends {} to {target}", shown(message)));
        let pending = Pending { caller: None, argument: Some(message.clone().into_wire()) };
        self.now.cluster.mailboxes.push(target.clone(), pending);
    }

    fn begin(&mut self, position: usize) {
        let Some(target) = self.now.cluster.mailboxes.nth(position, self.most) else { return };
        self.send(target);
    }

    pub(super) fn send(&mut self, target: Address) {
        let request = self.now.cluster.request(&target);
        self.in_flight.push(InFlight {
            target,
            request,
            stage: Stage::Waiting,
            release: self.release,
            attempts: 0,
            tokens: Tokens::of(self.choices.next()),
            called_out: false,
        });
    }

    /// Sends a request, or polls its functions. Returns whether they are done.
    async fn poll(&mut self, position: usize) -> bool {
        let in_flight = &mut self.in_flight[position];
        let begins = matches!(in_flight.stage, Stage::Waiting);
        if begins {
            in_flight.release = self.release;
            if let Some(also) = self.also
                && self.choices.chance(2)
            {
                in_flight.release = also;
            }
            let (handler, request) = (self.processes[in_flight.release].clone(), in_flight.request.clone());
            in_flight.stage = Stage::Running(Box::pin(async move { handler.handle(request).await }));
            in_flight.attempts += 1;
            in_flight.tokens = Tokens::of(self.choices.next());
            self.report.requests += 1;
        }
        let calls = self.dependency.calls().count;
        let Stage::Running(handling) = &mut in_flight.stage else { return true };
        let polled = poll_once(handling, &mut in_flight.tokens).await;
        in_flight.called_out |= self.dependency.calls().count > calls;
        let done = polled.is_ready();
        if let Poll::Ready(result) = polled {
            in_flight.stage = Stage::Answered(result);
        }
        if self.timeline.is_some() {
            self.note_request(position, begins, done);
        }
        done
    }

    async fn deliver(&mut self, position: usize) -> Result<(), Broken> {
        let in_flight = &mut self.in_flight[position];
        let response = match std::mem::replace(&mut in_flight.stage, Stage::Waiting) {
            Stage::Answered(Ok(response)) => response,
            Stage::Answered(Err(error)) => {
                let called_out = std::mem::take(&mut in_flight.called_out);
                let (target, attempts) = (in_flight.target.clone(), in_flight.attempts);
                self.note(|| format!("{target} fails: {error}"));
                let transient = matches!(&error, HandlerError::Invocation(failure) if failure.kind.is_transient());
                return match transient {
                    false => Err(broken("no invocation fails", error)),
                    true if attempts > MOST_ATTEMPTS && !called_out => {
                        Err(broken("no invocation fails indefinitely", error))
                    }
                    true => Ok(()),
                };
            }
            stage => {
                in_flight.stage = stage;
                return Ok(());
            }
        };
        if let Some(quarantined) = response.quarantined.first().filter(|_| !self.simulation.allows_dead_letters) {
            return Err(broken("no message is lost", &quarantined.first));
        }
        let InFlight { target, request, release, called_out, tokens, .. } = self.in_flight.swap_remove(position);
        let records = self.now.cluster.emitted.len();
        match self.now.cluster.apply(&target, &request, &response.body) {
            Err(violation) => {
                Err(broken("responses keep to the protocol", format_args!("the response of {target}: {violation}")))
            }
            Ok(Applied::Registration) => {
                self.note(|| format!("{target} asks for states"));
                self.send(target);
                Ok(())
            }
            Ok(Applied::Everything) => {
                self.now.messages += response.invocations as u64;
                self.note(|| format!("the response of {target} is applied"));
                if self.timeline.is_some() {
                    self.note_records(&target, records);
                }
                self.keep_at_least_once(records);
                // One of three in schedules of which there are many: it costs as much as all the rest.
                let repeats = self.in_order || self.choices.chance(3);
                if repeats && !called_out {
                    self.repeat(release, tokens.again(), &target, &request, &response.body).await?;
                }
                self.check(true)
            }
        }
    }

    async fn repeat(
        &mut self,
        release: usize,
        mut tokens: Tokens,
        target: &Address,
        request: &Bytes,
        response: &Bytes,
    ) -> Result<(), Broken> {
        let handler = self.others[release].get_or_insert_with(|| {
            let calm = Dependency::new(0, FaultCounts::default());
            self.simulation.process(release, &(self.simulation.outside)(&calm))
        });
        let mut difference = pin!(repeat::difference(handler, request, response));
        match poll_fn(|context| tokens.during(|| difference.as_mut().poll(context))).await {
            Some(difference) => {
                let reason = format!("{target}: {difference}");
                Err(broken("the same request has the same response", reason))
            }
            None => Ok(()),
        }
    }

    fn keep_at_least_once(&mut self, records: usize) {
        let emitted = &mut self.now.cluster.emitted;
        if self.simulation.at_least_once.is_empty() {
            return;
        }
        for record in emitted.split_off(records) {
            match self.simulation.at_least_once.contains(&record.egress) {
                true => self.at_least_once.push(record),
                false => emitted.push(record),
            }
        }
    }

    fn check(&self, always: bool) -> Result<(), Broken> {
        let view = View {
            cluster: &self.now.cluster,
            at_least_once: &self.at_least_once,
            sent: &self.sent,
            outside: &self.outside,
        };
        for property in self.simulation.properties.iter().filter(|property| property.always || !always) {
            (property.check)(&view).map_err(|reason| broken(&property.name, reason))?;
        }
        Ok(())
    }

    /// Moves the clock to the next delayed message, or `to` about where a state expires.
    pub(super) fn advance(&mut self, near_expiry: bool) {
        let cluster = &mut self.now.cluster;
        let due = cluster.timers.next();
        let expiry = cluster.states.next_expiry(cluster.timers.now()).filter(|_| near_expiry);
        let mut to = due;
        if let Some(expiry) = expiry {
            let before = expiry.saturating_sub(Duration::from_millis(1));
            let edge = self.choices.pick(&[before, expiry]);
            to = Some(due.map_or(edge, |due| if self.choices.chance(2) { due } else { due.min(edge) }));
        }
        let Some(to) = to else { return };
        cluster.timers.move_to(to);
        let mut arrived = Vec::new();
        while let Some((target, message)) = cluster.timers.take_due() {
            cluster.mailboxes.push(target.clone(), message);
            arrived.push(target);
        }
        self.note(|| {
            let arrived: Vec<_> = arrived.iter().map(|target| format!("{target:?}")).collect();
            match arrived.is_empty() {
                true => "time passes".to_owned(),
                false => format!("time passes: a delayed message for {} is due", arrived.join(", ")),
            }
        });
    }
}

async fn poll_once(handling: &mut Handling, tokens: &mut Tokens) -> Poll<Result<Response, HandlerError>> {
    poll_fn(|context| Poll::Ready(tokens.during(|| handling.as_mut().poll(context)))).await
}
