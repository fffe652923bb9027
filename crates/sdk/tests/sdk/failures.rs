//! What becomes of invocations that fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use statefun_sdk::protocol::reqreply::from_function::{EgressMessage, InvocationResponse};
use statefun_sdk::{
    BoxError, Bytes, CancellationToken, Context, Decode, Encode, FailureKind, FailurePolicy, Function, FunctionError,
    KafkaRecord, Message, ResponseKind, ResultExt, TypeError, TypeName, Typed, UnexpectedTypePolicy, ValueSpec,
};
use statefun_test_support::request::{Batch, call, effects, mutations, result, typed, value_of};

use super::support::{FUNCTION, OUT, SEEN, dead_letters, failure, record};

const SELF: TypeName = TypeName::new(FUNCTION);
const TOTAL: ValueSpec<i32> = ValueSpec::new("total");

/// Numbers are counted, summed, sent on, delayed and emitted. The number -1 fails before anything, -2 after sending,
/// -3 after writing, -4 panics, -5 panics after writing, -6 is a transient error.
async fn work(context: &mut Context, message: Message) -> Result<(), FunctionError> {
    let number = message.get::<i32>()?;
    if number == -1 {
        return Err(FunctionError::poison("never this number"));
    }
    if number == -6 {
        return Err(FunctionError::transient(std::io::Error::other("the database is down")));
    }
    context.send(SELF.with_id("next"), number)?;
    let token =
        CancellationToken::new(format!("token {}", number.unsigned_abs() % 10)).map_err(FunctionError::poison)?;
    context.send_cancellable(std::time::Duration::from_secs(1), &token, SELF.with_id("later"), number)?;
    context.emit(OUT, KafkaRecord::topic("out").key("k").utf8(number.to_string()))?;
    context.cancel(&token);
    match number {
        -2 => return Err(FunctionError::poison("nor this")),
        -4 => std::panic::panic_any(4),
        _ => {}
    }
    context.update(&SEEN, |seen| *seen += 1)?;
    if number == -5 {
        context.update(&TOTAL, |total| {
            *total = i32::MIN;
            panic!("half-way")
        })?;
    }
    context.update(&TOTAL, |total| *total += number)?;
    if number == -3 {
        return Err(FunctionError::poison("nor that"));
    }
    Ok(())
}

fn function(policy: FailurePolicy) -> Function {
    Function::new(FUNCTION)
        .on_message::<i32, _>(work)
        .state(&SEEN)
        .state(&TOTAL)
        .sends_to(SELF)
        .emits(OUT)
        .on_failure(policy)
}

fn batch(numbers: &[i32]) -> Batch {
    let request = Batch::to(FUNCTION, "a").state("seen", Some(value_of(10))).state("total", None);
    numbers.iter().fold(request, |request, &number| request.message(value_of(number)))
}

fn split(result: InvocationResponse) -> (InvocationResponse, Vec<EgressMessage>) {
    let (dead, rest) =
        result.outgoing_egresses.into_iter().partition(|message| &message.egress_type[..] == b"dead-letter");
    (InvocationResponse { outgoing_egresses: rest, ..result }, dead)
}

#[tokio::test]
async fn without_dead_letters_every_failure_fails_the_batch_and_says_where() {
    for (number, kind, reason) in [
        (-1, FailureKind::Poison, "never this number"),
        (-2, FailureKind::Poison, "nor this"),
        (-3, FailureKind::Poison, "nor that"),
        (-4, FailureKind::Panic, "panicked"),
        (-5, FailureKind::Panic, "panicked: half-way"),
        (-6, FailureKind::Transient, "the database is down"),
    ] {
        let failure = failure(function(FailurePolicy::Fail), batch(&[1, 2, number, 3])).await;
        assert_eq!((failure.kind, failure.index, failure.invocations), (kind, 2, 4));
        assert_eq!(failure.reason, reason);
        assert_eq!(failure.target.to_string(), "test/function/a");
        assert_eq!(failure.message_type, "io.statefun.types/int");
    }
}

/// A batch with failures among it has the effects of the batch without them, and a record of each.
#[tokio::test]
async fn a_dead_letter_takes_back_all_that_its_invocation_did() {
    let without = effects(function(dead_letters()), batch(&[1, 2, 3])).await;
    for bad in [-1, -2, -3, -4, -5] {
        for numbers in [[bad, 1, 2, 3], [1, bad, 2, 3], [1, 2, 3, bad]] {
            let reply = call(function(dead_letters()), batch(&numbers)).await.expect("an answer");
            assert_eq!((reply.kind, reply.dead_letters()), (ResponseKind::Result, 1));
            let (rest, dead) = split(result(&reply));
            assert_eq!(rest, without, "{numbers:?}");
            assert_eq!(dead.len(), 1);
        }
    }
    let reply = call(function(dead_letters()), batch(&[-5, -4, 1, -3, 2, -1, -1, 3, -2])).await.expect("an answer");
    assert_eq!((reply.kind, reply.dead_letters()), (ResponseKind::Result, 6));
    let (rest, dead) = split(result(&reply));
    assert_eq!(rest, without);
    assert_eq!(dead.len(), 6);
}

#[tokio::test]
async fn a_batch_of_nothing_but_failures_changes_no_state() {
    let (rest, dead) = split(effects(function(dead_letters()), batch(&[-3, -5])).await);
    assert_eq!(rest, InvocationResponse::default());
    assert_eq!(dead.len(), 2);
}

#[tokio::test]
async fn a_transient_error_is_no_dead_letter() {
    assert_eq!(failure(function(dead_letters()), batch(&[1, -1, -6])).await.kind, FailureKind::Transient);
}

/// A bad release must never drain a key into dead letters.
#[tokio::test]
async fn a_state_that_cannot_be_read_is_no_dead_letter() {
    let state = Some(typed("io.statefun.types/int", vec![0xff]));
    let request = Batch::to(FUNCTION, "a").state("seen", state).state("total", None).message(value_of(1));
    assert_eq!(failure(function(dead_letters()), request).await.kind, FailureKind::State);
}

#[derive(Default)]
struct Brittle(i32);

impl Typed for Brittle {
    const TYPE_NAME: TypeName = TypeName::new("test/brittle");
}

impl Encode for Brittle {
    /// Fails half-way: what it wrote before must not turn up anywhere.
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), TypeError> {
        if self.0 > 12 {
            out.extend_from_slice(b"half");
        }
        match self.0 {
            13 => panic!("thirteen"),
            14 => Err(TypeError::new("no fourteen")),
            _ => Ok(()),
        }
    }
}

impl Decode for Brittle {
    fn decode(bytes: &Bytes) -> Result<Self, TypeError> {
        assert!(bytes.is_empty(), "some bytes");
        Ok(Self(0))
    }
}

const BRITTLE: ValueSpec<Brittle> = ValueSpec::new("brittle");

fn brittle() -> Function {
    async fn store(context: &mut Context, message: Message) -> Result<(), FunctionError> {
        let number = message.get::<i32>()?;
        context.update(&BRITTLE, |brittle| brittle.0 = number)
    }
    Function::new(FUNCTION).fallback(store).state(&BRITTLE).on_failure(dead_letters())
}

#[tokio::test]
async fn a_message_that_cannot_be_written_is_a_bug() {
    async fn send(context: &mut Context, message: Message) -> Result<(), FunctionError> {
        context.send(SELF.with_id("b"), Brittle(message.get::<i32>()?))
    }
    let function = Function::new(FUNCTION).fallback(send).sends_to(SELF).on_failure(dead_letters());
    let failure = failure(function, Batch::to(FUNCTION, "a").message(value_of(1)).message(value_of(14))).await;
    assert_eq!((failure.kind, failure.index), (FailureKind::Bug, 1));
}

/// Whatever a function makes of the error: unwrapped, renamed, swallowed and written over.
#[tokio::test]
async fn a_state_that_cannot_be_read_fails_the_batch_however_it_is_dressed_up() {
    async fn disguise(context: &mut Context, message: Message) -> Result<(), FunctionError> {
        match message.get::<i32>()? {
            0 => drop(context.get(&SEEN).unwrap()),
            1 => drop(context.get(&SEEN).map_err(|error| FunctionError::poison(error.to_string()))?),
            2 => drop(context.get_mut(&SEEN).is_err()),
            _ => {
                let seen = context.get(&SEEN).ok().flatten().copied().unwrap_or(1);
                context.set(&SEEN, seen)?;
            }
        }
        Ok(())
    }
    for number in 0..4 {
        let function = Function::new(FUNCTION).fallback(disguise).state(&SEEN).state(&TOTAL).on_failure(dead_letters());
        let broken = Some(typed("io.statefun.types/int", vec![0xff]));
        let request = Batch::to(FUNCTION, "a").state("seen", broken).state("total", None).message(value_of(number));
        let failure = failure(function, request).await;
        assert_eq!(failure.kind, FailureKind::State, "{number}");
        assert!(failure.reason.contains("\"seen\" cannot be read"), "{}", failure.reason);
    }
}

/// The panic is in the state's type, so it is the state that cannot be read.
#[tokio::test]
async fn a_reader_of_a_state_that_panics_is_no_dead_letter() {
    let request = Batch::to(FUNCTION, "a").state("brittle", Some(typed("test/brittle", "x"))).message(value_of(1));
    assert_eq!(failure(brittle(), request).await.kind, FailureKind::State);
}

/// In the Go SDK an error of an encoder ended the process.
#[tokio::test]
async fn a_state_that_cannot_be_written_is_a_bug() {
    for bad in [13, 14] {
        let request = Batch::to(FUNCTION, "a").state("brittle", None);
        let request = [1, bad].iter().fold(request, |request, &number| request.message(value_of(number)));
        let failure = failure(brittle(), request).await;
        assert_eq!((failure.kind, failure.index), (FailureKind::Bug, 1));
        assert!(failure.reason.contains("state \"brittle\" cannot be written"), "{}", failure.reason);
    }
}

/// A handler for numbers that counts those that it was called with, and fails after it wrote at each below zero.
fn counted(calls: &Arc<AtomicUsize>) -> Function {
    async fn write(calls: &Arc<AtomicUsize>, context: &mut Context, number: i32) -> Result<(), FunctionError> {
        calls.fetch_add(1, SeqCst);
        context.update(&SEEN, |seen| *seen += 1)?;
        if number < 0 { Err(FunctionError::poison("below zero")) } else { Ok(()) }
    }
    Function::new(FUNCTION).on(write).with(Arc::clone(calls)).state(&SEEN).on_failure(dead_letters())
}

/// What a function did outside of its states was done twice then: that is told, and bounded.
#[tokio::test]
async fn after_failures_that_wrote_each_other_message_runs_at_most_twice() {
    for (failures, reruns) in [(0, 0), (1, 1), (20, 20)] {
        let calls = Arc::new(AtomicUsize::new(0));
        let numbers = (0..200).map(|number| if number % 10 == 9 && number / 10 < failures { -1 } else { number });
        let request = Batch::to(FUNCTION, "a").state("seen", None);
        let request = numbers.fold(request, |request, number| request.message(value_of(number)));
        let response = call(counted(&calls), request).await.expect("a response");
        assert_eq!((response.dead_letters(), response.reruns), (failures as usize, reruns));
        let others = 200 - failures as usize;
        assert_eq!(mutations(&result(&response)), [("seen".to_owned(), Some(value_of(others as i32)))]);
        assert!(calls.load(SeqCst) <= 2 * others + failures as usize, "{} calls", calls.load(SeqCst));
    }
}

/// A handler, or a fallback that knows it once it has looked at the message; what it did before is rolled back.
fn of_numbers(by_handler: bool) -> Function {
    async fn count(context: &mut Context, _: i32) -> Result<(), FunctionError> {
        context.update(&SEEN, |seen| *seen += 1)
    }
    async fn eager(context: &mut Context, message: Message) -> Result<(), FunctionError> {
        context.update(&SEEN, |seen| *seen += 1)?;
        context.emit(OUT, KafkaRecord::topic("out").utf8("x"))?;
        if message.is::<i32>() { Ok(()) } else { Err(FunctionError::unexpected_type(&message)) }
    }
    let function = Function::new(FUNCTION).state(&SEEN).emits(OUT);
    if by_handler { function.on(count) } else { function.fallback(eager) }
}

fn numbers_with_another_type() -> (Batch, Batch) {
    let request = || Batch::to(FUNCTION, "a").state("seen", None).message(value_of(1));
    (request().message(typed("test/unknown", "whatever")).message(value_of(2)), request().message(value_of(2)))
}

#[tokio::test]
async fn an_unexpected_type_fails_the_batch_unless_told_otherwise() {
    for by_handler in [true, false] {
        for policy in [FailurePolicy::Fail, dead_letters()] {
            let failure = failure(of_numbers(by_handler).on_failure(policy), numbers_with_another_type().0).await;
            assert_eq!((failure.kind, failure.index), (FailureKind::UnexpectedType, 1));
            assert_eq!(failure.message_type, "test/unknown");
        }
    }
}

#[tokio::test]
async fn an_unexpected_type_can_be_a_dead_letter() {
    for by_handler in [true, false] {
        let function = || of_numbers(by_handler).on_failure(dead_letters());
        let (with, without) = numbers_with_another_type();
        let response = call(function().on_unexpected_type(UnexpectedTypePolicy::DeadLetter), with).await;
        let (rest, dead) = split(result(&response.expect("a response")));
        assert_eq!(rest, effects(function(), without).await);
        assert_eq!(record(&dead[0])["failure"], "unexpected_type");
    }
}

#[tokio::test]
async fn an_unexpected_type_can_be_ignored_and_is_counted() {
    for by_handler in [true, false] {
        let (with, without) = numbers_with_another_type();
        let function = || of_numbers(by_handler).on_unexpected_type(UnexpectedTypePolicy::Ignore);
        let response = call(function(), with).await.expect("a response");
        assert_eq!((response.ignored(), response.dead_letters()), (1, 0));
        assert_eq!(response.quarantined[0].first.message_type, "test/unknown");
        assert_eq!(result(&response), effects(function(), without).await);
    }
}

/// One forgotten declaration must not drain a stream into the dead letters.
#[tokio::test]
async fn a_bug_fails_the_batch_whatever_the_policy_says() {
    const UNDECLARED: ValueSpec<i32> = ValueSpec::new("undeclared");
    const OTHER_RUST_TYPE: ValueSpec<i64> = ValueSpec::new("seen");
    async fn misuse(context: &mut Context, number: i32) -> Result<(), FunctionError> {
        match number {
            0 => context.send(TypeName::new("test/undeclared").with_id("1"), true),
            1 => context.emit(OUT, KafkaRecord::topic("out").utf8("x")),
            2 => context.set(&UNDECLARED, 1),
            3 => context.get(&OTHER_RUST_TYPE).map(drop),
            _ => std::io::Result::<()>::Err(std::io::Error::other("a wrong setting")).or_bug(),
        }
    }
    for number in 0..5 {
        let function = Function::new(FUNCTION).on(misuse).state(&SEEN).on_failure(dead_letters());
        let request = Batch::to(FUNCTION, "a").state("seen", None).message(value_of(number));
        assert_eq!(failure(function, request).await.kind, FailureKind::Bug, "{number}");
    }
}

/// However an error is passed on: what was a bug or transient must not become a dead letter.
#[tokio::test]
async fn an_error_keeps_its_kind() {
    fn passed_on(context: &mut Context) -> Result<(), BoxError> {
        Ok(context.send(TypeName::new("test/undeclared").with_id("1"), true)?)
    }
    async fn relabel(context: &mut Context, number: i32) -> Result<(), FunctionError> {
        match number {
            0 => context.emit(OUT, KafkaRecord::topic("out").utf8("x")).or_poison(),
            1 => passed_on(context).or_poison(),
            _ => Err(FunctionError::transient("down")).or_poison(),
        }
    }
    for (number, kind) in [(0, FailureKind::Bug), (1, FailureKind::Bug), (2, FailureKind::Transient)] {
        let function = Function::new(FUNCTION).on(relabel).on_failure(dead_letters());
        let request = Batch::to(FUNCTION, "a").message(value_of(number));
        assert_eq!(failure(function, request).await.kind, kind, "{number}");
    }
}

/// An address that comes from data is checked before it is used; that it is not known says nothing of the release.
#[tokio::test]
async fn a_target_from_data_that_was_not_declared_is_poison() {
    async fn forward(context: &mut Context, type_name: String) -> Result<(), FunctionError> {
        let target = TypeName::parse(type_name).or_poison()?.with_id("1");
        context.check_target(&target)?;
        context.send(target, true)
    }
    let function = Function::new(FUNCTION).on(forward).on_failure(dead_letters());
    let request = ["test/undeclared", "test/function"]
        .iter()
        .fold(Batch::to(FUNCTION, "a"), |request, &name| request.message(value_of(name)));
    let (rest, dead) = split(effects(function, request).await);
    assert_eq!((rest.outgoing_messages.len(), dead.len()), (1, 1));
    assert_eq!(
        record(&dead[0])["error"],
        "target test/undeclared is not declared: add .sends_to(…) where the function is registered"
    );
}

/// A failure before a write costs nothing, one after it has the messages before it run again.
#[tokio::test]
async fn only_a_failure_after_a_write_runs_messages_again() {
    async fn count_calls(
        calls: &Arc<AtomicUsize>,
        context: &mut Context,
        message: Message,
    ) -> Result<(), FunctionError> {
        calls.fetch_add(1, SeqCst);
        work(context, message).await
    }
    for (numbers, expected) in [([1, -2, 3], 3), ([1, 2, -3], 5)] {
        let calls = Arc::new(AtomicUsize::new(0));
        let function = Function::new(FUNCTION).fallback(count_calls).with(calls.clone());
        let function = function.state(&SEEN).state(&TOTAL).sends_to(SELF).emits(OUT).on_failure(dead_letters());
        effects(function, batch(&numbers)).await;
        assert_eq!(calls.load(SeqCst), expected, "{numbers:?}");
    }
}
