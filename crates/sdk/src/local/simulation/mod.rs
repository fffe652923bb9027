//! A job under any schedule of faults that a seed decides.
//!
//! | module | contents |
//! |---|---|
//! | `schedule`, `choices` | which schedule it is, and the numbers that follow from its seed |
//! | `fault` | the kinds of fault |
//! | `world` | one schedule: the cluster, the functions' processes, and the steps that they take |
//! | `steps`, `inject`, `notes` | which step is next; faults; what is said of steps |
//! | `repeat` | responses compared with those of another process that handles the messages one by one |
//! | `dependency` | calls out of the functions that fail or take long |
//! | `view` | what properties look at |
//! | `shrink` | fewer messages and faults with the same failure |
//! | `failure` | what is reported |

mod choices;
mod dependency;
mod failure;
mod fault;
mod inject;
mod notes;
mod repeat;
mod schedule;
mod shrink;
mod steps;
mod view;
mod world;

use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

pub use dependency::{Dependency, Unavailable};
pub use failure::{Failure, Report, Timeline};
pub use fault::{Fault, FaultCounts};
pub use schedule::{ParseScheduleError, Schedule};
pub use view::{View, expect_eq};

use crate::encode::typed_value;
use crate::{Address, BoxError, Egress, Payload, Registry, RequestReplyHandler, TypeName, TypedValue};
use world::{Broken, World};

/// Runs functions under many schedules of a job with faults, and looks for one in which a property does not hold.
///
/// A seed decides in which order messages to different addresses are handled, how they gather to batches, when the job takes a
/// checkpoint, and which [faults](Fault) happen. The same seed is the same run, on every platform, as long as the functions depend
/// on their messages and states alone: a real clock, a random number or a `HashMap` that is iterated is found as a response that
/// differs from its repetition.
///
/// These properties are always checked:
///
/// - the same request to another process, its messages handled one by one, has the same effects, unless a [`Dependency`] was called;
/// - no response violates the protocol, no invocation fails but with a transient error, and none fails indefinitely;
/// - no message becomes a dead letter or is ignored for its type, unless [allowed](Self::allow_dead_letters);
/// - the job comes to rest.
///
/// ```
/// # use statefun_sdk::{Context, Function, FunctionError, Registry, TypeName, ValueSpec};
/// use statefun_sdk::local::simulation::{Simulation, expect_eq};
/// # const COUNTER: TypeName = TypeName::new("demo/counter");
/// # const SEEN: ValueSpec<i32> = ValueSpec::new("seen");
/// # async fn count(context: &mut Context, _: String) -> Result<(), FunctionError> {
/// #     context.update(&SEEN, |seen| *seen += 1)
/// # }
///
/// // In a #[test]:
/// let ann = COUNTER.with_id("ann");
/// Simulation::new(|| Registry::builder().function(Function::new(COUNTER).on(count).state(&SEEN)).build().unwrap())
///     .send(&ann, "one")
///     .send(&ann, "two")
///     .at_rest("each message is counted once", move |view| {
///         expect_eq(view.state(&ann, &SEEN)?, (view.sent().len() > 0).then_some(view.sent().len() as i32))
///     })
///     .check();
/// ```
///
/// Time is virtual for what the cluster does: delays, expirations. Functions that wait for something else than a [`Dependency`],
/// such as a timer of tokio, wait in real time, and their schedules may differ from run to run.
pub struct Simulation<W = ()> {
    outside: Box<dyn Fn(&Dependency) -> W + Send + Sync>,
    releases: Vec<Release<W>>,
    messages: Vec<(Address, TypedValue)>,
    at_least_once: BTreeSet<TypeName>,
    without: BTreeSet<Fault>,
    allows_dead_letters: bool,
    horizon: Duration,
    properties: Vec<Property<W>>,
    seed: u64,
    schedules: u64,
}

type Release<W> = Box<dyn Fn(&W) -> Registry + Send + Sync>;

struct Property<W> {
    name: String,
    /// Checked after each applied response, not only once the job is at rest.
    always: bool,
    #[allow(clippy::type_complexity, reason = "said once")]
    check: Box<dyn Fn(&View<'_, W>) -> Result<(), BoxError> + Send + Sync>,
}

impl Simulation {
    /// Of functions that depend on nothing outside of them. `registry` is called for each process of them; it may panic, as in any test.
    pub fn new(registry: impl Fn() -> Registry + Send + Sync + 'static) -> Self {
        Self::with(|_| (), move |()| registry())
    }
}

impl<W: 'static> Simulation<W> {
    /// Of functions with something outside of them: `outside` makes it anew for each schedule, such as fakes of services that ask the
    /// [`Dependency`] how a call goes; `registry` makes a process of the functions with it.
    pub fn with(
        outside: impl Fn(&Dependency) -> W + Send + Sync + 'static,
        registry: impl Fn(&W) -> Registry + Send + Sync + 'static,
    ) -> Self {
        Self {
            outside: Box::new(outside),
            releases: vec![Box::new(registry)],
            messages: Vec::new(),
            at_least_once: BTreeSet::new(),
            without: BTreeSet::new(),
            allows_dead_letters: false,
            horizon: Duration::MAX,
            properties: Vec::new(),
            seed: 0,
            schedules: 1000,
        }
    }

    /// Another release of the functions, which may take over at any time, with the states that there are then.
    #[must_use]
    pub fn release(mut self, registry: impl Fn(&W) -> Registry + Send + Sync + 'static) -> Self {
        self.releases.push(Box::new(registry));
        self
    }

    /// A message from an ingress. Those for the same address come in the order in which they are given here, others in any.
    ///
    /// # Panics
    /// When the value has no representation in its type.
    #[must_use]
    #[track_caller]
    pub fn send(mut self, target: impl Borrow<Address>, message: impl Payload) -> Self {
        let target = target.borrow().clone();
        match typed_value(message) {
            Ok(message) => self.messages.push((target, message)),
            Err(error) => panic!("a message to {target} cannot be encoded: {error}"),
        }
        self
    }

    /// Has an egress keep the records of work that a failover undoes, as egresses do without transactions.
    #[must_use]
    pub fn at_least_once(mut self, egress: Egress) -> Self {
        self.at_least_once.insert(egress.id().clone());
        self
    }

    /// Leaves a kind of fault out.
    #[must_use]
    pub fn without(mut self, fault: Fault) -> Self {
        self.without.insert(fault);
        self
    }

    /// Messages may become dead letters, and may be ignored for their type.
    #[must_use]
    pub fn allow_dead_letters(mut self) -> Self {
        self.allows_dead_letters = true;
        self
    }

    /// Ends schedules where all that is left to do is due later than this, for functions that send themselves delayed messages
    /// indefinitely.
    #[must_use]
    pub fn horizon(mut self, time: Duration) -> Self {
        self.horizon = time;
        self
    }

    /// A property that holds after each response that was applied.
    #[must_use]
    pub fn always(
        mut self,
        name: impl Into<String>,
        check: impl Fn(&View<'_, W>) -> Result<(), BoxError> + Send + Sync + 'static,
    ) -> Self {
        self.properties.push(Property { name: name.into(), always: true, check: Box::new(check) });
        self
    }

    /// A property that holds when nothing is left to do: all messages were handled, delayed ones, too.
    #[must_use]
    pub fn at_rest(
        mut self,
        name: impl Into<String>,
        check: impl Fn(&View<'_, W>) -> Result<(), BoxError> + Send + Sync + 'static,
    ) -> Self {
        self.properties.push(Property { name: name.into(), always: false, check: Box::new(check) });
        self
    }

    /// No instance of `function` keeps a state of more bytes than this at rest: it does not only grow.
    #[must_use]
    pub fn state_limit(self, function: TypeName, bytes: usize) -> Self {
        let name = format!("no state of {function} is larger than {bytes} bytes");
        self.at_rest(name, move |view| {
            let largest = view.cluster.states.largest(view.now(), |address| address.is(&function));
            match largest.filter(|(_, _, size)| *size > bytes) {
                Some((address, state, size)) => Err(format!("{state:?} of {address} has {size}").into()),
                None => Ok(()),
            }
        })
    }

    /// The schedules that [`check`](Self::check) and [`explore`](Self::explore) run follow from this; 0 unless told.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How many schedules [`check`](Self::check) and [`explore`](Self::explore) run; 1000 unless told.
    #[must_use]
    pub fn schedules(mut self, schedules: u64) -> Self {
        self.schedules = schedules;
        self
    }

    /// Runs the schedules, in a `#[test]`.
    ///
    /// # Panics
    /// With the timeline of a small schedule, where one is found in which a property does not hold; and within a Tokio runtime,
    /// such as that of `#[tokio::test]`, as it has one itself.
    #[track_caller]
    pub fn check(&self) {
        if let Err(failure) = self.explore() {
            panic!("{failure}");
        }
    }

    /// Runs the schedules until a property does not hold.
    ///
    /// # Errors
    /// With the smallest schedule that was found for it.
    ///
    /// # Panics
    /// Within a Tokio runtime.
    pub fn explore(&self) -> Result<Report, Box<Failure>> {
        let mut report = Report::default();
        // First the plain one: what fails in it needs no fault.
        let in_order = Schedule::in_order();
        if let Err(broken) = self.run(&in_order, false).result {
            return Err(Box::new(self.shrink(in_order, broken, 0)));
        }
        for number in 0..self.schedules {
            let schedule = Schedule::numbered(self.seed, number);
            let ran = self.run(&schedule, false);
            match ran.result {
                Ok(()) => report.add(&ran.report),
                Err(broken) => return Err(Box::new(self.shrink(schedule, broken, number + 1))),
            }
        }
        Ok(report)
    }

    /// Runs the one schedule that a line describes, such as a failure's.
    ///
    /// # Errors
    /// When a property does not hold.
    ///
    /// # Panics
    /// When the line describes none, and within a Tokio runtime.
    #[track_caller]
    pub fn replay(&self, schedule: &str) -> Result<Report, Box<Failure>> {
        let schedule: Schedule = match schedule.parse() {
            Ok(schedule) => schedule,
            Err(error) => panic!("{error}"),
        };
        let ran = self.run(&schedule, false);
        match ran.result {
            Ok(()) => Ok(ran.report),
            Err(broken) => Err(Box::new(self.failure(&schedule, broken, 1))),
        }
    }

    /// A process of the functions.
    fn process(&self, release: usize, outside: &W) -> RequestReplyHandler {
        RequestReplyHandler::new((self.releases[release])(outside))
    }

    fn run(&self, schedule: &Schedule, noting: bool) -> Ran {
        World::new(self, schedule, noting).run()
    }

    /// Runs a schedule that fails once more, for its timeline.
    fn failure(&self, schedule: &Schedule, broken: Broken, found_after: u64) -> Failure {
        let ran = self.run(schedule, true);
        let messages = schedule.messages.as_ref().map_or(self.messages.len(), Vec::len);
        Failure {
            schedule: schedule.clone(),
            property: broken.property,
            reason: broken.reason,
            found_after,
            messages,
            faults: ran.report.faults,
            timeline: ran.timeline,
        }
    }
}

/// What a schedule came to.
struct Ran {
    result: Result<(), Broken>,
    report: Report,
    timeline: Timeline,
}

impl<W> fmt::Debug for Simulation<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation")
            .field("messages", &self.messages.len())
            .field("seed", &self.seed)
            .field("schedules", &self.schedules)
            .finish_non_exhaustive()
    }
}
