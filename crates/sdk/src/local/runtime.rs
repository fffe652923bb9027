use std::borrow::Borrow;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::cluster::{Applied, Cluster};
use super::mailboxes::Pending;
use super::{Emitted, LocalError, Transport, TransportError};
use crate::encode::typed_value;
use crate::{Address, Decode, FunctionError, Payload, Registry, RequestReplyHandler, TypeName, ValueSpec};

/// The runtime's side of the protocol in this process: it keeps states, routes messages, delays them and captures what
/// is emitted, with the semantics of StateFun 3.3.
///
/// | what | how |
/// |---|---|
/// | requests | one in flight per address; what arrives meanwhile goes as one batch |
/// | states | learnt through `IncompleteInvocationContext`, then sent with every request; they expire |
/// | effects | of a response, all or none: messages, then delayed ones and cancellations, records, states |
/// | time | a virtual clock that only [`advance`](Self::advance) moves |
/// | violations | responses for which the cluster would fail the job are errors that say why |
///
/// It is for tests and demos. It keeps everything in memory, without bounds, and loses it with the process: production is
/// a StateFun cluster.
///
/// ```
/// # use statefun_sdk::{Context, Function, FunctionError, Registry, TypeName, ValueSpec};
/// # use statefun_sdk::local::LocalRuntime;
/// const COUNTER: TypeName = TypeName::new("demo/counter");
/// const SEEN: ValueSpec<i32> = ValueSpec::new("seen");
///
/// async fn count(context: &mut Context, _: String) -> Result<(), FunctionError> {
///     context.update(&SEEN, |seen| *seen += 1)
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let registry = Registry::builder().function(Function::new(COUNTER).on(count).state(&SEEN)).build()?;
/// let mut runtime = LocalRuntime::in_process(registry);
/// runtime.send(COUNTER.with_id("ann"), "hello")?;
/// runtime.run().await?;
/// assert_eq!(runtime.state(&COUNTER.with_id("ann"), &SEEN)?, Some(1));
/// # Ok(())
/// # })
/// # }
/// ```
pub struct LocalRuntime<T> {
    transport: T,
    options: Options,
    cluster: Cluster,
    #[allow(clippy::type_complexity, reason = "the one callback")]
    on_exchange: Option<Box<dyn FnMut(&Exchange<'_>) + Send>>,
}

struct Options {
    max_batch: usize,
    concurrency: usize,
    deliver_twice: bool,
}

/// A request whose response was applied; see [`LocalRuntime::on_exchange`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Exchange<'a> {
    /// The function that was called.
    pub target: &'a Address,
    /// The encoded `ToFunction`.
    pub request: &'a Bytes,
    /// The encoded `FromFunction`.
    pub response: &'a Bytes,
}

impl LocalRuntime<RequestReplyHandler> {
    /// A runtime for the functions of `registry`, called in this process.
    pub fn in_process(registry: Registry) -> Self {
        let handler = RequestReplyHandler::new(registry);
        Self::new(handler.clone(), handler.registry())
    }
}

impl<T: Transport> LocalRuntime<T> {
    /// A runtime that reaches its functions through `transport` and knows the function types and egresses that
    /// `registry` declares. Others are made known with [`serve`](Self::serve) and [`egress`](Self::egress).
    pub fn new(transport: T, registry: &Registry) -> Self {
        let cluster = Cluster::of(registry);
        // As the cluster's endpoints have it: maxNumBatchRequests.
        let options = Options { max_batch: 1000, concurrency: 1, deliver_twice: false };
        Self { transport, options, cluster, on_exchange: None }
    }

    /// Makes a function type known that the transport reaches beside those of the registry.
    #[must_use]
    pub fn serve(mut self, function: TypeName) -> Self {
        self.cluster.functions.insert(function.to_string());
        self
    }

    /// Makes an egress known beside those of the registry.
    #[must_use]
    pub fn egress(mut self, egress: TypeName) -> Self {
        self.cluster.egresses.insert(egress);
        self
    }

    /// Sends at most this many messages in one request: 1000 unless told.
    #[must_use]
    pub fn max_batch(mut self, most: usize) -> Self {
        self.options.max_batch = most.max(1);
        self
    }

    /// Keeps up to this many requests in flight, each for another address. With one, which is the default, functions run
    /// in a fixed order.
    #[must_use]
    pub fn concurrency(mut self, most: usize) -> Self {
        self.options.concurrency = most.max(1);
        self
    }

    /// Sends every request twice and drops the first response, as a cluster does that fails before its checkpoint.
    /// Functions have to tolerate it.
    #[must_use]
    pub fn deliver_twice(mut self) -> Self {
        self.options.deliver_twice = true;
        self
    }

    /// Calls `watch` with every request whose response was applied, in order.
    #[must_use]
    pub fn on_exchange(mut self, watch: impl FnMut(&Exchange<'_>) + Send + 'static) -> Self {
        self.on_exchange = Some(Box::new(watch));
        self
    }

    /// Queues a message from an ingress for a function. It is handled by [`run`](Self::run).
    ///
    /// # Errors
    /// When the function type is not served, or the value has no representation in its type.
    pub fn send(&mut self, target: impl Borrow<Address>, message: impl Payload) -> Result<(), LocalError> {
        let target = target.borrow().clone();
        if self.cluster.check_target(&target).is_err() {
            return Err(LocalError::UnknownFunction(target));
        }
        let message = typed_value(message).map_err(LocalError::Message)?;
        self.cluster.mailboxes.push(target, Pending { caller: None, argument: Some(message.into_wire()) });
        Ok(())
    }

    /// Calls functions until no message is left, except those that are due later.
    ///
    /// Dropping the future keeps the messages of requests in flight: the next call sends them again.
    ///
    /// # Errors
    /// At the first request that gets no response, or one that violates the protocol. Its messages, and those of other
    /// requests that were in flight, are kept and are sent again by the next call.
    pub async fn run(&mut self) -> Result<(), LocalError> {
        let Self { transport, options, cluster, on_exchange } = self;
        // A run that failed or was dropped left requests without a response.
        cluster.mailboxes.take_back();
        let mut in_flight = FuturesUnordered::new();
        loop {
            while let Some((target, message)) = cluster.timers.take_due() {
                cluster.mailboxes.push(target, message);
            }
            while in_flight.len() < options.concurrency {
                let Some(target) = cluster.mailboxes.next(options.max_batch) else { break };
                let request = cluster.request(&target);
                in_flight.push(exchange(&*transport, options.deliver_twice, target, request));
            }
            let Some((target, request, response)) = in_flight.next().await else { return Ok(()) };
            let response = match response {
                Ok(response) => response,
                Err(error) => return Err(LocalError::NoResponse { target, error }),
            };
            match cluster.apply(&target, &request, &response) {
                Ok(Applied::Everything) => {
                    if let Some(watch) = on_exchange {
                        watch(&Exchange { target: &target, request: &request, response: &response });
                    }
                }
                Ok(Applied::Registration) => {
                    let request = cluster.request(&target);
                    in_flight.push(exchange(&*transport, options.deliver_twice, target, request));
                }
                Err(violation) => return Err(LocalError::Violation { target, violation: violation.into() }),
            }
        }
    }

    /// Runs, moves the clock forward, and delivers what becomes due on the way, each at its time.
    ///
    /// Dropping the future leaves the clock where it is; messages are kept as by [`run`](Self::run).
    ///
    /// # Errors
    /// As [`run`](Self::run); the clock then stands where it failed.
    pub async fn advance(&mut self, time: Duration) -> Result<(), LocalError> {
        let end = self.now().saturating_add(time);
        self.run().await?;
        while let Some(due) = self.next_due().filter(|&due| due <= end) {
            self.cluster.timers.move_to(due);
            self.run().await?;
        }
        self.cluster.timers.move_to(end);
        Ok(())
    }

    /// The time on the virtual clock, which began at zero.
    pub fn now(&self) -> Duration {
        self.cluster.timers.now()
    }

    /// When the next delayed message is due.
    pub fn next_due(&self) -> Option<Duration> {
        self.cluster.timers.next()
    }

    /// Takes the records emitted since the last call, in order.
    pub fn take_emitted(&mut self) -> Vec<Emitted> {
        std::mem::take(&mut self.cluster.emitted)
    }

    /// The value of a state; `None` where it has none, or had one that expired.
    ///
    /// # Errors
    /// When the bytes are not what the spec says.
    pub fn state<V: Decode>(&self, target: &Address, spec: &ValueSpec<V>) -> Result<Option<V>, FunctionError> {
        let value = self.cluster.states.value(target, spec.name(), self.now());
        Ok(value.map(V::decode).transpose()?)
    }

    /// What a restart of the job does: the runtime forgets which states there are and asks anew. Values, messages and
    /// timers are in the checkpoint and stay.
    pub fn restart(&mut self) {
        self.cluster.states.forget_registrations();
    }
}

impl<T> fmt::Debug for LocalRuntime<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalRuntime").field("functions", &self.cluster.functions).finish_non_exhaustive()
    }
}

async fn exchange<T: Transport>(
    transport: &T,
    twice: bool,
    target: Address,
    request: Bytes,
) -> (Address, Bytes, Result<Bytes, TransportError>) {
    let mut response = transport.call(request.clone()).await;
    if twice && response.is_ok() {
        response = transport.call(request.clone()).await;
    }
    (target, request, response)
}
