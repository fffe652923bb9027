use statefun_applications::Destinations;
use statefun_applications::fraud::Settings;
use statefun_applications::fraud::messages::{CustomThreshold, QueryThreshold};
use statefun_applications::fraud::threshold::{STATE, function};
use statefun_sdk::local::TestContext;

use super::{
    asker, assert_others_are_dead_letters, assert_poison, broken, called_by_asker, message, mutations, only_sent,
};

fn threshold() -> TestContext {
    called_by_asker(function(&Destinations::default(), &Settings::default()), "0x00100000")
}

fn custom(threshold: i32) -> CustomThreshold {
    CustomThreshold { threshold, account: "0x00100000".to_owned() }
}

#[tokio::test]
async fn an_account_without_a_threshold_has_the_default() {
    for default_threshold in [1, 42, 0] {
        let settings = Settings { default_threshold, ..Settings::default() };
        let mut threshold = called_by_asker(function(&Destinations::default(), &settings), "0x00100000");
        threshold.invoke(message(QueryThreshold {})).await.unwrap();
        assert_eq!(only_sent(&threshold), (asker().to_string(), custom(default_threshold)));
        assert_eq!(mutations(&threshold), []);
    }
    assert_eq!(Settings::default().default_threshold, 1);
}

#[tokio::test]
async fn the_latest_threshold_is_kept() {
    let mut threshold = threshold();
    threshold.invoke(message(custom(90))).await.unwrap();
    threshold.invoke(message(custom(33))).await.unwrap();
    assert_eq!(threshold.get(&STATE).unwrap(), Some(33));
    assert_eq!((threshold.sent(), threshold.emitted()), (&[][..], &[][..]));
    threshold.invoke(message(QueryThreshold {})).await.unwrap();
    assert_eq!(only_sent(&threshold), (asker().to_string(), custom(33)));
}

#[tokio::test]
async fn a_threshold_of_zero_is_kept_as_no_bytes_and_is_not_the_default() {
    let mut threshold = threshold();
    threshold.invoke(message(custom(0))).await.unwrap();
    assert_eq!(mutations(&threshold), [("threshold".to_owned(), Some(Vec::new()))]);
    threshold.invoke(message(QueryThreshold {})).await.unwrap();
    assert_eq!(only_sent(&threshold), (asker().to_string(), custom(0)));
}

#[tokio::test]
async fn what_cannot_be_read_becomes_a_dead_letter() {
    assert_poison(threshold(), [broken::<CustomThreshold>(), broken::<QueryThreshold>()]).await;
}

#[tokio::test]
async fn other_messages_are_dead_letters() {
    assert_others_are_dead_letters(threshold()).await;
}
