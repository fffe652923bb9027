use std::time::Duration;

use statefun_applications::Destinations;
use statefun_applications::fraud::counter::{FRAUD_COUNT, function};
use statefun_applications::fraud::messages::{ConfirmFraud, ExpireFraud, QueryFraud, ReportedFraud};
use statefun_applications::fraud::{COUNTER, Settings};
use statefun_sdk::local::{DelayedMessage, TestContext};

use super::{asker, only_sent};
use super::{
    assert_no_effects, assert_others_are_dead_letters, assert_poison, broken, called_by_asker, message, mutations,
};

fn counter() -> TestContext {
    called_by_asker(function(&Destinations::default(), &Settings::default()), "0x00100000")
}

fn confirmation() -> statefun_sdk::TypedValue {
    message(ConfirmFraud { account: "0x00100000".to_owned() })
}

#[tokio::test]
async fn confirmations_are_counted_for_thirty_days_each() {
    let mut counter = counter();
    counter.invoke(confirmation()).await.unwrap();
    counter.invoke(confirmation()).await.unwrap();
    assert_eq!(counter.get(&FRAUD_COUNT).unwrap(), Some(2));
    let expiry = DelayedMessage {
        delay: Duration::from_secs(30 * 24 * 60 * 60),
        target: COUNTER.with_id("0x00100000"),
        value: message(ExpireFraud {}),
        token: None,
    };
    assert_eq!(counter.delayed(), [expiry.clone(), expiry]);
    assert_eq!((counter.sent(), counter.emitted()), (&[][..], &[][..]));
}

#[tokio::test]
async fn the_window_is_configuration() {
    let settings = Settings { window: Duration::from_secs(5), ..Settings::default() };
    let mut counter = called_by_asker(function(&Destinations::default(), &settings), "0x00100000");
    counter.invoke(confirmation()).await.unwrap();
    assert_eq!(counter.delayed()[0].delay, Duration::from_secs(5));
}

#[tokio::test]
async fn what_expires_is_forgotten_and_the_last_of_it_leaves_no_state() {
    let mut counter = counter();
    counter.invoke_batch([confirmation(), confirmation()]).await.unwrap();
    counter.clear_effects();
    counter.invoke(message(ExpireFraud {})).await.unwrap();
    assert_eq!(counter.get(&FRAUD_COUNT).unwrap(), Some(1));
    counter.invoke(message(ExpireFraud {})).await.unwrap();
    assert_eq!(mutations(&counter), [("fraud_count".to_owned(), None)]);
    assert_eq!(counter.get(&FRAUD_COUNT).unwrap(), None);
    counter.invoke(message(ExpireFraud {})).await.unwrap();
    assert_no_effects(&counter);
}

#[tokio::test]
async fn whoever_asks_is_told_the_count() {
    let mut counter = counter();
    counter.invoke_batch([confirmation(), confirmation(), message(QueryFraud {})]).await.unwrap();
    assert_eq!(only_sent(&counter), (asker().to_string(), ReportedFraud { count: 2 }));
}

#[tokio::test]
async fn a_count_of_zero_is_an_answer_of_no_bytes_and_not_no_answer() {
    let mut counter = counter();
    counter.invoke(message(QueryFraud {})).await.unwrap();
    let [sent] = counter.sent() else { panic!("{:?}", counter.sent()) };
    assert!(!sent.value.is_unset());
    assert_eq!((sent.value.type_name(), sent.value.value().len()), ("com.googleapis/workshop.ReportedFraud", 0));
    assert_eq!(mutations(&counter), []);
}

#[tokio::test]
async fn the_count_does_not_overflow() {
    let mut counter = counter();
    counter.set(&FRAUD_COUNT, i32::MAX).unwrap();
    counter.invoke(confirmation()).await.unwrap();
    assert_eq!(counter.get(&FRAUD_COUNT).unwrap(), Some(i32::MAX));
}

#[tokio::test]
async fn what_cannot_be_read_or_answered_becomes_a_dead_letter() {
    assert_poison(counter(), [broken::<ConfirmFraud>(), broken::<ExpireFraud>(), broken::<QueryFraud>()]).await;
    let unasked = TestContext::new(function(&Destinations::default(), &Settings::default()), "a").unwrap();
    assert_poison(unasked, [message(QueryFraud {})]).await;
}

#[tokio::test]
async fn other_messages_are_dead_letters() {
    assert_others_are_dead_letters(counter()).await;
}
