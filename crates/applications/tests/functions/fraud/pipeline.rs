use std::sync::Arc;
use std::time::{Duration, SystemTime};

use statefun_applications::Destinations;
use statefun_applications::fraud::counter::FRAUD_COUNT;
use statefun_applications::fraud::generator::{Event, EventMessage, Events};
use statefun_applications::fraud::merchant::MERCHANT_SCORE;
use statefun_applications::fraud::messages::{ConfirmFraud, CustomThreshold, Transaction};
use statefun_applications::fraud::{COUNTER, FakeScoringService, MERCHANT, Settings, functions};
use statefun_sdk::local::{Emitted, LocalRuntime};
use statefun_sdk::{Registry, RequestReplyHandler, TypedValue};

use statefun_test_support::fraud as expected;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn settings() -> Settings {
    Settings { scoring_service: Arc::new(FakeScoringService::quick()), ..Settings::default() }
}

pub(super) fn registry(settings: &Settings) -> Registry {
    Registry::builder().functions(functions(&Destinations::default(), settings)).build().unwrap()
}

fn runtime(settings: &Settings) -> LocalRuntime<RequestReplyHandler> {
    LocalRuntime::in_process(registry(settings))
}

pub(super) fn events(seed: u64, every: Duration, transactions: usize) -> impl Iterator<Item = Event> {
    Events::new(seed, every, SystemTime::UNIX_EPOCH).take(transactions / 10 * 12)
}

/// As [`events`], of three accounts for which much fraud is confirmed, so that counts matter.
fn fraudulent(seed: u64, every: Duration, transactions: usize) -> impl Iterator<Item = Event> {
    let few = |account: &str| format!("0x0010000{}", account.bytes().map(u32::from).sum::<u32>() % 3);
    events(seed, every, transactions).flat_map(move |mut event| {
        match &mut event.message {
            EventMessage::Transaction(transaction) => transaction.account = few(&transaction.account),
            EventMessage::ConfirmFraud(ConfirmFraud { account })
            | EventMessage::CustomThreshold(CustomThreshold { account, .. }) => {
                *account = few(account);
                event.key.clone_from(account);
            }
        }
        let times = if matches!(event.message, EventMessage::ConfirmFraud(_)) { 15 } else { 1 };
        std::iter::repeat_n(event, times)
    })
}

/// Puts an event before its function, at its time.
async fn feed(runtime: &mut LocalRuntime<RequestReplyHandler>, event: &Event) {
    runtime.advance(event.at - runtime.now()).await.unwrap();
    let ingress = event.ingress();
    let value = TypedValue::from_bytes(ingress.value_type().as_str(), event.value());
    runtime.send(ingress.target().with_id(event.key.as_str()), value).unwrap();
}

pub(super) fn transactions(emitted: &[Emitted]) -> Vec<Transaction> {
    let transactions = emitted.iter().map(|Emitted { egress, record }| {
        assert_eq!(egress.as_str(), "ververica/kafka-egress");
        let transaction: Transaction = prost::Message::decode(record.value().clone()).unwrap();
        assert_eq!(record.key(), transaction.account);
        transaction
    });
    transactions.collect()
}

async fn alerts(
    mut runtime: LocalRuntime<RequestReplyHandler>,
    events: impl IntoIterator<Item = Event>,
) -> Vec<Transaction> {
    for event in events {
        feed(&mut runtime, &event).await;
        runtime.run().await.unwrap();
    }
    transactions(&runtime.take_emitted())
}

#[tokio::test]
async fn alerts_are_those_of_the_model() {
    for seed in 0..3 {
        let (settings, events) = (settings(), || events(seed, SECOND, 600));
        let expected = expected::alerts(events(), settings.window, settings.default_threshold);
        assert!((300..600).contains(&expected.len()), "{}", expected.len());
        let alerts = alerts(runtime(&settings), events()).await;
        assert!(alerts == expected, "seed {seed}: {} alerts, not {}", alerts.len(), expected.len());
    }
}

#[tokio::test]
async fn alerts_are_those_of_the_model_when_much_is_confirmed_and_forgotten() {
    for (seed, window, default_threshold) in [(3, 10 * DAY, 1), (4, 10 * DAY, 90), (5, 20 * DAY, 70)] {
        // Merchants forget between any two transactions.
        let events = || fraudulent(seed, DAY / 10, 600);
        let settings = Settings { window, default_threshold, ..settings() };
        let expected = expected::alerts(events(), window, default_threshold);
        for (other, why) in [(5 * DAY, "the window"), (Duration::ZERO, "the count")] {
            assert!(expected::alerts(events(), other, default_threshold) != expected, "{why} makes no difference");
        }
        let alerts = alerts(runtime(&settings), events()).await;
        assert!(alerts == expected, "seed {seed}: {} alerts, not {}", alerts.len(), expected.len());
    }
}

#[tokio::test]
async fn every_request_may_come_twice() {
    let (settings, events) = (settings(), || events(9, SECOND, 300));
    let once = alerts(runtime(&settings), events()).await;
    let twice = alerts(runtime(&settings).deliver_twice(), events()).await;
    assert!(twice == once, "{} alerts, not {}", twice.len(), once.len());
}

#[tokio::test]
async fn what_happens_at_once_comes_to_the_same_whatever_the_order_of_answers() {
    let settings = settings();
    // Confirmations and thresholds first: then the order of the rest makes no difference.
    let (payments, others): (Vec<_>, Vec<_>) =
        events(4, Duration::ZERO, 500).partition(|event| matches!(event.message, EventMessage::Transaction(_)));
    let all = || others.iter().chain(&payments).cloned();
    let mut expected = expected::alerts(all(), settings.window, settings.default_threshold);
    expected.sort_by_key(order);
    for (concurrency, batch) in [(1, 1000), (8, 1000), (64, 1), (64, 7)] {
        let mut runtime = runtime(&settings).concurrency(concurrency).max_batch(batch);
        for event in &others {
            feed(&mut runtime, event).await;
        }
        runtime.run().await.unwrap();
        for event in &payments {
            feed(&mut runtime, event).await;
        }
        runtime.run().await.unwrap();
        let mut alerts = transactions(&runtime.take_emitted());
        alerts.sort_by_key(order);
        assert!(alerts == expected, "{concurrency} at once, batches of {batch}: {} alerts", alerts.len());
    }
}

fn order(transaction: &Transaction) -> (String, String, i32) {
    (transaction.account.clone(), transaction.merchant.clone(), transaction.amount)
}

#[tokio::test]
async fn a_confirmation_counts_for_thirty_days() {
    let mut runtime = runtime(&settings());
    let account = COUNTER.with_id("0x00100000");
    let confirmation = |at| Event {
        at,
        key: "0x00100000".to_owned(),
        message: EventMessage::ConfirmFraud(ConfirmFraud { account: "0x00100000".to_owned() }),
    };
    for day in [0, 1] {
        feed(&mut runtime, &confirmation(day * DAY)).await;
        runtime.run().await.unwrap();
    }
    for (before, count) in [(30 * DAY, Some(2)), (31 * DAY, Some(1))] {
        runtime.advance(before - Duration::from_millis(1) - runtime.now()).await.unwrap();
        assert_eq!(runtime.state(&account, &FRAUD_COUNT).unwrap(), count);
        runtime.advance(Duration::from_millis(1)).await.unwrap();
        assert_eq!(
            runtime.state(&account, &FRAUD_COUNT).unwrap(),
            count.filter(|count| *count > 1).map(|count| count - 1)
        );
    }
    assert_eq!(runtime.next_due(), None);
}

#[tokio::test]
async fn a_merchant_forgets_after_an_hour() {
    let mut runtime = runtime(&settings());
    let event = events(1, SECOND, 10).next().unwrap();
    let EventMessage::Transaction(Transaction { merchant, .. }) = &event.message else { panic!("{event:?}") };
    let merchant = MERCHANT.with_id(merchant.as_str());
    feed(&mut runtime, &event).await;
    runtime.run().await.unwrap();
    let score = runtime.state(&merchant, &MERCHANT_SCORE).unwrap();
    assert!(score.is_some_and(|score| (0..=100).contains(&score)));
    runtime.advance(3599 * SECOND).await.unwrap();
    // A score that is read expires when it would have.
    let again = Event { at: runtime.now(), ..event };
    feed(&mut runtime, &again).await;
    runtime.run().await.unwrap();
    assert_eq!(runtime.state(&merchant, &MERCHANT_SCORE).unwrap(), score);
    runtime.advance(SECOND).await.unwrap();
    assert_eq!(runtime.state(&merchant, &MERCHANT_SCORE).unwrap(), None);
}

#[tokio::test]
async fn nothing_is_left_of_a_transaction() {
    let mut runtime = runtime(&settings());
    for event in events(6, SECOND, 100) {
        feed(&mut runtime, &event).await;
        runtime.run().await.unwrap();
        if let EventMessage::Transaction(_) = event.message {
            use statefun_applications::fraud::{TRANSACTION_MANAGER, transaction_manager as manager};
            let address = TRANSACTION_MANAGER.with_id(event.key);
            assert_eq!(runtime.state(&address, &manager::TRANSACTION).unwrap(), None);
            assert_eq!(runtime.state(&address, &manager::FRAUD_COUNT).unwrap(), None);
            assert_eq!(runtime.state(&address, &manager::MERCHANT_SCORE).unwrap(), None);
            assert_eq!(runtime.state(&address, &manager::ASKED_THRESHOLD).unwrap(), None);
        }
    }
}
