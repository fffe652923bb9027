use statefun_applications::Destinations;
use statefun_applications::fraud::Settings;
use statefun_applications::fraud::messages::{
    AskedThreshold, CustomThreshold, FeatureVector, FraudScore, MerchantScore, QueryFraud, QueryMerchantScore,
    QueryThreshold, ReportedFraud, Transaction,
};
use statefun_applications::fraud::transaction_manager::{
    ASKED_THRESHOLD, FRAUD_COUNT, MERCHANT_SCORE, TRANSACTION, function,
};
use statefun_sdk::local::{Emitted, EmittedRecord, TestContext};
use statefun_sdk::{Destination, TypedValue};

use super::{assert_no_effects, assert_others_are_dead_letters, assert_poison, broken, message, mutations, only_sent};

fn manager_with(settings: &Settings) -> TestContext {
    TestContext::new(function(&Destinations::default(), settings), "7d1cbd1f6a5b4d0c9d0e3f2a1c84b6e7").unwrap()
}

fn manager() -> TestContext {
    manager_with(&Settings::default())
}

fn transaction() -> Transaction {
    Transaction {
        account: "0x00F3CD51".to_owned(),
        timestamp: Some(prost_types::Timestamp { seconds: 1_714_986_000, nanos: 5 }),
        merchant: "Hypergrid".to_owned(),
        amount: 36,
    }
}

/// The three answers. Those of zero are no bytes.
fn answers() -> [TypedValue; 3] {
    [message(ReportedFraud { count: 0 }), message(MerchantScore { score: 0 }), threshold(60)]
}

fn threshold(threshold: i32) -> TypedValue {
    message(CustomThreshold { threshold, account: "0x00F3CD51".to_owned() })
}

fn score(score: i32) -> TypedValue {
    message(FraudScore { score })
}

/// A manager that has asked its model, with earlier effects forgotten.
async fn judging() -> TestContext {
    let mut manager = manager();
    manager.invoke(message(transaction())).await.unwrap();
    manager.invoke_batch(answers()).await.unwrap();
    manager.clear_effects();
    manager
}

fn assert_alert(manager: &TestContext) {
    let [Emitted { egress, record }] = manager.emitted() else { panic!("{:?}", manager.emitted()) };
    let EmittedRecord::Kafka { topic, key, value } = record else { panic!("{record:?}") };
    assert_eq!((egress.as_str(), &**topic, &**key), ("ververica/kafka-egress", "alerts", "0x00F3CD51"));
    assert_eq!(prost::Message::decode(value.clone()), Ok(transaction()));
}

fn assert_no_states(manager: &TestContext) {
    assert_eq!(manager.get(&TRANSACTION).unwrap(), None);
    assert_eq!((manager.get(&FRAUD_COUNT).unwrap(), manager.get(&MERCHANT_SCORE).unwrap()), (None, None));
    assert_eq!(manager.get(&ASKED_THRESHOLD).unwrap(), None);
}

#[tokio::test]
async fn a_transaction_is_kept_and_asked_about() {
    let mut manager = manager();
    manager.invoke(message(transaction())).await.unwrap();
    let sent: Vec<_> = manager.sent().iter().map(|sent| (sent.target.to_string(), sent.value.clone())).collect();
    let to = |target: &str, value| (target.to_owned(), value);
    assert_eq!(
        sent,
        [
            to("ververica/counter/0x00F3CD51", message(QueryFraud {})),
            to("ververica/merchant/Hypergrid", message(QueryMerchantScore {})),
            to("ververica/threshold/0x00F3CD51", message(QueryThreshold {})),
        ]
    );
    assert_eq!(manager.get(&TRANSACTION).unwrap(), Some(transaction()));
    assert_eq!((manager.get(&FRAUD_COUNT).unwrap(), manager.get(&MERCHANT_SCORE).unwrap()), (None, None));
    assert_eq!(manager.emitted(), []);
}

#[tokio::test]
async fn the_model_is_asked_at_the_last_answer_in_whatever_order() {
    for [first, second, third] in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        for batched in [false, true] {
            let mut manager = manager();
            manager.invoke(message(transaction())).await.unwrap();
            manager.clear_effects();
            let answers = answers();
            if batched {
                manager.invoke_batch([first, second, third].map(|index| answers[index].clone())).await.unwrap();
            } else {
                for index in [first, second] {
                    manager.invoke(answers[index].clone()).await.unwrap();
                    assert_eq!(manager.sent(), [], "{first} {second} {third}");
                }
                manager.invoke(answers[third].clone()).await.unwrap();
            }
            let features = FeatureVector { fraud_count: 0, merchant_score: 0, amount: 36 };
            assert_eq!(only_sent::<FeatureVector>(&manager), ("ververica/model/0x00F3CD51".to_owned(), features));
            manager.invoke(score(61)).await.unwrap();
            assert_alert(&manager);
        }
    }
}

#[tokio::test]
async fn the_features_are_the_answers() {
    let mut manager = manager();
    let answers = [message(MerchantScore { score: 7 }), threshold(2), message(ReportedFraud { count: 3 })];
    manager.invoke(message(transaction())).await.unwrap();
    manager.clear_effects();
    manager.invoke_batch(answers).await.unwrap();
    let features = FeatureVector { fraud_count: 3, merchant_score: 7, amount: 36 };
    assert_eq!(only_sent::<FeatureVector>(&manager).1, features);
}

#[tokio::test]
async fn answers_of_zero_are_kept_as_no_bytes() {
    for (answer, state) in [
        (message(ReportedFraud { count: 0 }), ("fraud_count", vec![])),
        (message(MerchantScore { score: 0 }), ("merchant_score", vec![])),
        // What is asked for and answered with 0 is not what is asked for and not answered, which is no bytes.
        (threshold(0), ("threshold", vec![8, 0])),
    ] {
        let mut manager = manager();
        manager.invoke(message(transaction())).await.unwrap();
        manager.invoke(answer).await.unwrap();
        assert_eq!(mutations(&manager), [(state.0.to_owned(), Some(state.1))]);
    }
}

#[tokio::test]
async fn a_score_above_the_threshold_is_an_alert() {
    let mut manager = judging().await;
    manager.invoke(score(61)).await.unwrap();
    assert_alert(&manager);
    assert_no_states(&manager);
    let names = ["transaction", "fraud_count", "merchant_score", "threshold"];
    assert_eq!(mutations(&manager), names.map(|name| (name.to_owned(), None)), "states are deleted, not emptied");
}

#[tokio::test]
async fn a_score_that_is_not_above_the_threshold_is_none() {
    for not_above in [60, 0] {
        let mut manager = judging().await;
        manager.invoke(score(not_above)).await.unwrap();
        assert_eq!((manager.sent(), manager.emitted()), (&[][..], &[][..]));
        assert_no_states(&manager);
    }
}

#[tokio::test]
async fn a_threshold_of_zero_is_not_the_default() {
    let mut manager = manager();
    manager.invoke(message(transaction())).await.unwrap();
    manager
        .invoke_batch([
            message(ReportedFraud { count: 0 }),
            message(MerchantScore { score: 0 }),
            threshold(0),
            score(1),
        ])
        .await
        .unwrap();
    assert_alert(&manager);
}

#[tokio::test]
async fn the_first_answer_to_a_question_counts() {
    let mut manager = manager();
    manager.invoke(message(transaction())).await.unwrap();
    manager.clear_effects();
    let first = [message(ReportedFraud { count: 3 }), message(MerchantScore { score: 7 })];
    manager.invoke_batch(first).await.unwrap();
    for again in [message(ReportedFraud { count: 4 }), message(MerchantScore { score: 8 })] {
        manager.invoke(again).await.unwrap();
        assert_no_effects(&manager);
    }
    manager.invoke(threshold(60)).await.unwrap();
    assert_eq!(only_sent::<FeatureVector>(&manager).1, FeatureVector { fraud_count: 3, merchant_score: 7, amount: 36 });
    manager.clear_effects();
    for again in [message(ReportedFraud { count: 4 }), message(MerchantScore { score: 8 }), threshold(99)] {
        manager.invoke(again).await.unwrap();
        assert_no_effects(&manager);
    }
    manager.invoke(score(61)).await.unwrap();
    assert_alert(&manager);
}

#[tokio::test]
async fn whatever_comes_after_the_judgement_is_ignored() {
    let mut manager = judging().await;
    manager.invoke(score(61)).await.unwrap();
    manager.clear_effects();
    for late in answers().into_iter().chain([score(100)]) {
        manager.invoke(late).await.unwrap();
        assert_no_effects(&manager);
    }
}

#[tokio::test]
async fn whatever_comes_before_the_transaction_is_ignored() {
    let mut manager = manager();
    for early in answers().into_iter().chain([score(100)]) {
        manager.invoke(early).await.unwrap();
        assert_no_effects(&manager);
    }
}

#[tokio::test]
async fn a_score_that_comes_before_all_answers_is_ignored() {
    let mut manager = manager();
    manager.invoke(message(transaction())).await.unwrap();
    manager.clear_effects();
    let [count, merchant, threshold] = answers();
    for answer in [count, merchant] {
        manager.invoke(score(100)).await.unwrap();
        assert_no_effects(&manager);
        manager.invoke(answer).await.unwrap();
    }
    manager.invoke_batch([threshold, score(100)]).await.unwrap();
    assert_alert(&manager);
}

#[tokio::test]
async fn a_transaction_that_comes_again_is_asked_about_again_and_told_once() {
    // After no answer, some answers, and all of them.
    for had in 0..=3 {
        let mut manager = manager();
        manager.invoke(message(transaction())).await.unwrap();
        for answer in answers().into_iter().take(had) {
            manager.invoke(answer).await.unwrap();
        }
        manager.clear_effects();
        manager.invoke(message(transaction())).await.unwrap();
        assert_eq!(manager.sent().len(), 3);
        // The answers to both of the questions, and both of the judgements if the first got so far.
        manager.clear_effects();
        manager.invoke_batch(answers().into_iter().skip(had).chain(answers())).await.unwrap();
        assert_eq!(manager.sent().len(), 1, "{had}");
        manager.invoke_batch([score(61), score(61)]).await.unwrap();
        assert_alert(&manager);
        assert_no_states(&manager);
    }
}

#[tokio::test]
async fn a_transaction_that_comes_again_is_judged_by_the_later_answers() {
    for custom_thresholds in [true, false] {
        let mut manager = manager_with(&Settings { custom_thresholds, ..Settings::default() });
        manager.invoke(message(transaction())).await.unwrap();
        manager.invoke_batch(answers()).await.unwrap();
        // What the model said is lost.
        manager.invoke(message(transaction())).await.unwrap();
        manager.clear_effects();
        let later = [message(ReportedFraud { count: 3 }), message(MerchantScore { score: 7 }), threshold(2)];
        manager.invoke_batch(later).await.unwrap();
        assert_eq!(
            only_sent::<FeatureVector>(&manager).1,
            FeatureVector { fraud_count: 3, merchant_score: 7, amount: 36 }
        );
    }
}

#[tokio::test]
async fn a_request_that_is_sent_again_gets_the_same_bytes() {
    let run = async || {
        let mut manager = manager();
        let mut replies = Vec::new();
        for message in [message(transaction())].into_iter().chain(answers()).chain([score(61)]) {
            manager.invoke(message).await.unwrap();
            replies.push(manager.last_response().clone());
        }
        replies
    };
    assert_eq!(run().await, run().await);
}

#[tokio::test]
async fn without_custom_thresholds_the_default_holds_and_nobody_is_asked() {
    let settings = Settings { custom_thresholds: false, default_threshold: 60, ..Settings::default() };
    for (at, alerts) in [(60, 0), (61, 1)] {
        let mut manager = manager_with(&settings);
        manager.invoke(message(transaction())).await.unwrap();
        let targets: Vec<_> = manager.sent().iter().map(|sent| sent.target.to_string()).collect();
        assert_eq!(targets, ["ververica/counter/0x00F3CD51", "ververica/merchant/Hypergrid"]);
        manager.clear_effects();
        let [count, merchant, threshold] = answers();
        manager.invoke_batch([merchant, threshold, count]).await.unwrap();
        assert_eq!(only_sent::<FeatureVector>(&manager).0, "ververica/model/0x00F3CD51");
        manager.invoke(score(at)).await.unwrap();
        assert_eq!(manager.emitted().len(), alerts);
        assert_eq!(manager.get(&TRANSACTION).unwrap(), None);
    }
}

#[tokio::test]
async fn a_transaction_from_before_there_were_thresholds_waits_for_none() {
    let settings = Settings { default_threshold: 60, ..Settings::default() };
    for (at, alerts) in [(60, 0), (61, 1)] {
        let mut manager = manager_with(&settings);
        manager.set(&TRANSACTION, transaction()).unwrap();
        manager.set(&FRAUD_COUNT, 3).unwrap();
        manager.invoke(message(MerchantScore { score: 7 })).await.unwrap();
        assert_eq!(
            only_sent::<FeatureVector>(&manager).1,
            FeatureVector { fraud_count: 3, merchant_score: 7, amount: 36 }
        );
        manager.invoke(score(at)).await.unwrap();
        assert_eq!(manager.emitted().len(), alerts);
        assert_no_states(&manager);
    }
    // As AskedThreshold is written when it is asked for.
    let mut manager = manager();
    manager.invoke(message(transaction())).await.unwrap();
    assert_eq!(manager.get(&ASKED_THRESHOLD).unwrap(), Some(AskedThreshold { threshold: None }));
}

#[tokio::test]
async fn alerts_go_where_they_are_configured_to() {
    let mut destinations = Destinations::default();
    destinations.set("ververica/kafka-egress", Destination::kinesis("suspicious")).unwrap();
    let mut manager = TestContext::new(function(&destinations, &Settings::default()), "t").unwrap();
    manager.invoke(message(transaction())).await.unwrap();
    manager.invoke_batch(answers().into_iter().chain([score(61)])).await.unwrap();
    let record = &manager.emitted()[0].record;
    let EmittedRecord::Kinesis { stream, partition_key, .. } = record else { panic!("{record:?}") };
    assert_eq!((&**stream, &**partition_key), ("suspicious", "0x00F3CD51"));
}

#[tokio::test]
async fn what_cannot_be_read_or_asked_about_becomes_a_dead_letter() {
    assert_poison(
        manager(),
        [
            broken::<Transaction>(),
            broken::<ReportedFraud>(),
            broken::<MerchantScore>(),
            broken::<CustomThreshold>(),
            broken::<FraudScore>(),
            // An empty record.
            message(Transaction::default()),
            message(Transaction { account: String::new(), ..transaction() }),
            message(Transaction { merchant: String::new(), ..transaction() }),
        ],
    )
    .await;
}

#[tokio::test]
async fn other_messages_are_dead_letters() {
    assert_others_are_dead_letters(manager()).await;
    let settings = Settings { custom_thresholds: false, ..Settings::default() };
    let mut manager = manager_with(&settings);
    manager.invoke(threshold(3)).await.expect("asked for by another release");
    assert_no_effects(&manager);
}
