use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use metrics_exporter_prometheus::PrometheusBuilder;
use statefun_applications::Destinations;
use statefun_applications::fraud::merchant::{MERCHANT_SCORE, function};
use statefun_applications::fraud::messages::{ExpireMerchantScore, MerchantScore, QueryMerchantScore};
use statefun_applications::fraud::{FakeScoringService, ScoringService, Settings};
use statefun_sdk::local::TestContext;
use statefun_sdk::{BoxError, Expiration};

use super::{assert_others_are_dead_letters, assert_poison, broken, called_by_asker, message, mutations, only_sent};
use crate::support::Log;

/// Answers as it is told, the last answer over and over, and remembers who was asked for.
#[derive(Default)]
struct Told {
    answers: Mutex<Vec<Option<i32>>>,
    asked: Mutex<Vec<String>>,
}

impl Told {
    fn new(answers: impl IntoIterator<Item = Option<i32>>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), asked: Mutex::default() })
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl ScoringService for Told {
    fn score<'a>(&'a self, merchant: &'a str) -> BoxFuture<'a, Result<i32, BoxError>> {
        self.asked.lock().unwrap().push(merchant.to_owned());
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0] };
        Box::pin(async move { answer.ok_or_else(|| "it is down".into()) })
    }
}

fn merchant(service: &Arc<Told>) -> TestContext {
    let settings = Settings { scoring_service: service.clone(), fallback_score: 13, ..Settings::default() };
    called_by_asker(function(&Destinations::default(), &settings), "Hypergrid")
}

fn query() -> statefun_sdk::TypedValue {
    message(QueryMerchantScore {})
}

/// The scores that were answered.
fn scores(merchant: &TestContext) -> Vec<i32> {
    merchant.sent().iter().map(|sent| sent.value.get::<MerchantScore>().unwrap().score).collect()
}

#[tokio::test]
async fn the_service_is_asked_once_and_its_answer_is_kept() {
    let service = Told::new([Some(42), Some(43)]);
    let mut merchant = merchant(&service);
    merchant.invoke(query()).await.unwrap();
    assert_eq!(only_sent(&merchant), ("elsewhere/asker/1".to_owned(), MerchantScore { score: 42 }));
    assert_eq!(merchant.get(&MERCHANT_SCORE).unwrap(), Some(42));
    merchant.invoke_batch([query(), query()]).await.unwrap();
    assert_eq!((scores(&merchant), service.asked()), (vec![42; 3], vec!["Hypergrid".to_owned()]));
    assert_eq!(mutations(&merchant), [], "a score that was not asked for expires when it would have");
}

#[tokio::test]
async fn of_a_batch_only_the_first_asks() {
    let service = Told::new([Some(7), Some(8)]);
    let mut merchant = merchant(&service);
    merchant.invoke_batch([query(), query(), query()]).await.unwrap();
    assert_eq!((scores(&merchant), service.asked().len()), (vec![7; 3], 1));
}

#[tokio::test]
async fn a_score_of_zero_is_kept_and_answered_as_no_bytes() {
    let service = Told::new([Some(0), Some(9)]);
    let mut merchant = merchant(&service);
    merchant.invoke(query()).await.unwrap();
    assert_eq!(mutations(&merchant), [("merchant_score".to_owned(), Some(Vec::new()))]);
    let value = &merchant.sent()[0].value;
    assert_eq!((value.is_unset(), value.value().len()), (false, 0));
    merchant.invoke(query()).await.unwrap();
    assert_eq!(scores(&merchant), [0, 0]);
}

#[tokio::test]
async fn while_the_service_is_down_the_fallback_is_answered_and_nothing_kept() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _recorder = metrics::set_default_local_recorder(&recorder);
    let log = Log::capture();
    let service = Told::new([None, None, Some(42)]);
    let mut merchant = merchant(&service);
    merchant.invoke_batch([query(), query()]).await.unwrap();
    assert_eq!(scores(&merchant), [13, 13]);
    assert_eq!(mutations(&merchant), []);
    let logged = log.take();
    assert_eq!(logged.len(), 1, "one line a second at most");
    for part in ["WARN", "ververica/merchant/Hypergrid", "it is down", "fallback=13"] {
        assert!(logged[0].contains(part), "{part:?} is not in {logged:?}");
    }
    assert!(metrics.render().contains("\nstatefun_fraud_fallback_scores_total 2\n"), "{}", metrics.render());

    merchant.clear_effects();
    merchant.invoke(query()).await.unwrap();
    assert_eq!(scores(&merchant), [42]);
    assert_eq!(merchant.get(&MERCHANT_SCORE).unwrap(), Some(42));
    assert!(metrics.render().contains("\nstatefun_fraud_fallback_scores_total 2\n"), "{}", metrics.render());
}

#[tokio::test]
async fn the_count_of_fallbacks_is_seen_before_there_is_one() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _recorder = metrics::set_default_local_recorder(&recorder);
    merchant(&Told::new([Some(1)])).invoke(query()).await.unwrap();
    assert!(metrics.render().contains("\nstatefun_fraud_fallback_scores_total 0\n"), "{}", metrics.render());
}

#[tokio::test]
async fn a_score_that_is_told_to_expire_is_asked_for_again() {
    let service = Told::new([Some(1), Some(2)]);
    let mut merchant = merchant(&service);
    merchant.invoke(query()).await.unwrap();
    merchant.clear_effects();
    merchant.invoke(message(ExpireMerchantScore {})).await.unwrap();
    assert_eq!(mutations(&merchant), [("merchant_score".to_owned(), None)]);
    assert_eq!((merchant.sent(), merchant.emitted()), (&[][..], &[][..]));
    merchant.invoke(query()).await.unwrap();
    assert_eq!(scores(&merchant), [2]);
    merchant.invoke_batch([message(ExpireMerchantScore {}), message(ExpireMerchantScore {})]).await.unwrap();
    assert_eq!(merchant.get(&MERCHANT_SCORE).unwrap(), None);
}

#[tokio::test]
async fn scores_are_kept_for_an_hour_unless_told_otherwise() {
    for (score_ttl, expected) in [(None, 3600), (Some(Duration::from_secs(5)), 5)] {
        let mut settings = Settings::default();
        settings.score_ttl = score_ttl.unwrap_or(settings.score_ttl);
        let function = function(&Destinations::default(), &settings);
        let registry = statefun_sdk::Registry::builder().function(function).build().unwrap();
        let [state] = registry.functions()[0].states() else { panic!("{registry:?}") };
        assert_eq!(state.expiration(), Expiration::AfterWrite(Duration::from_secs(expected)));
    }
}

#[tokio::test(start_paused = true)]
async fn the_fake_service_gives_a_name_the_same_score_within_a_second() {
    let start = tokio::time::Instant::now();
    let score = FakeScoringService::slow().score("Hypergrid").await.unwrap();
    let took = start.elapsed();
    assert!(took > Duration::ZERO && took <= Duration::from_secs(1), "{took:?}");
    let start = tokio::time::Instant::now();
    assert_eq!(FakeScoringService::quick().score("Hypergrid").await.unwrap(), score);
    assert_eq!(start.elapsed(), Duration::ZERO);

    let log = Log::capture();
    let (service, mut scores) = (FakeScoringService::quick(), Vec::new());
    for name in 0..1000 {
        scores.push(service.score(&name.to_string()).await.unwrap());
    }
    let logged = log.take();
    assert!(matches!(&logged[..], [only] if only.contains("no scoring service configured")), "{logged:?}");
    assert_eq!((scores.iter().min(), scores.iter().max()), (Some(&0), Some(&100)));
}

#[tokio::test]
async fn what_cannot_be_read_or_answered_becomes_a_dead_letter() {
    let service = Told::new([Some(1)]);
    assert_poison(merchant(&service), [broken::<QueryMerchantScore>(), broken::<ExpireMerchantScore>()]).await;
    assert_eq!(service.asked(), [""; 0]);
    let settings = Settings { scoring_service: service, ..Settings::default() };
    let unasked = TestContext::new(function(&Destinations::default(), &settings), "a").unwrap();
    assert_poison(unasked, [query()]).await;
}

#[tokio::test]
async fn other_messages_are_dead_letters() {
    assert_others_are_dead_letters(merchant(&Told::new([Some(1)]))).await;
}
