use std::collections::BTreeSet;

use statefun_applications::Destinations;
use statefun_applications::fraud::messages::{FeatureVector, FraudScore};
use statefun_applications::fraud::{TRANSACTION_MANAGER, model, randomness};
use statefun_sdk::local::TestContext;

use super::{assert_others_are_dead_letters, assert_poison, broken, message, only_sent};

fn model_for(transaction: &str) -> TestContext {
    let function = model::function(&Destinations::default(), randomness::pick);
    TestContext::new(function, "0x00100000").unwrap().with_caller(TRANSACTION_MANAGER.with_id(transaction))
}

fn features(fraud_count: i32) -> FeatureVector {
    FeatureVector { fraud_count, merchant_score: 7, amount: 36 }
}

async fn score(mut model: TestContext, fraud_count: i32) -> i32 {
    model.invoke(message(features(fraud_count))).await.unwrap();
    let (target, FraudScore { score }) = only_sent(&model);
    assert!(target.starts_with("ververica/transaction-manager/"), "{target}");
    score
}

#[tokio::test]
async fn scores_are_between_the_count_and_100() {
    for (count, lowest) in [(0, 0), (5, 5), (99, 99), (100, 99), (i32::MAX, 99)] {
        for (pick, expected) in [(true, lowest), (false, 100)] {
            let function = model::function(
                &Destinations::default(),
                move |_, range| {
                    if pick { *range.start() } else { *range.end() }
                },
            );
            let model = TestContext::new(function, "0x00100000").unwrap();
            assert_eq!(score(model.with_caller(TRANSACTION_MANAGER.with_id("t")), count).await, expected);
        }
    }
}

#[tokio::test]
async fn scores_spread_over_the_range_and_belong_to_their_transaction() {
    let mut scores = BTreeSet::new();
    for transaction in 0..300 {
        let transaction = transaction.to_string();
        let first = score(model_for(&transaction), 90).await;
        assert!((90..=100).contains(&first));
        assert_eq!(score(model_for(&transaction), 90).await, first);
        scores.insert(first);
    }
    assert_eq!(scores.len(), 11);
}

#[tokio::test]
async fn a_request_that_is_sent_again_gets_the_same_bytes() {
    let run = async || {
        let mut model = model_for("t");
        model.invoke(message(features(3))).await.unwrap();
        model.last_response().clone()
    };
    assert_eq!(run().await, run().await);
}

#[tokio::test]
async fn what_cannot_be_read_or_answered_becomes_a_dead_letter() {
    assert_poison(model_for("t"), [broken::<FeatureVector>()]).await;
    let unasked = TestContext::new(model::function(&Destinations::default(), randomness::pick), "a").unwrap();
    assert_poison(unasked, [message(features(1))]).await;
}

#[tokio::test]
async fn other_messages_are_dead_letters() {
    assert_others_are_dead_letters(model_for("t")).await;
}
