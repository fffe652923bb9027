use statefun_applications::Destinations;
use statefun_applications::greeter::{SEEN, function};
use statefun_sdk::TypedValue;
use statefun_sdk::local::{EmittedRecord, TestContext};

fn greeter() -> TestContext {
    TestContext::new(function(&Destinations::default()), "ann").unwrap()
}

fn login(json: &'static str) -> TypedValue {
    TypedValue::from_bytes("demo/login", json.as_bytes())
}

#[tokio::test]
async fn visits_are_counted_and_greeted() {
    let mut greeter = greeter();
    greeter.invoke(login(r#"{"user_name": "Ann"}"#)).await.unwrap();
    greeter.invoke(login(r#"{"user_name": "Ann \"the\" second"}"#)).await.unwrap();
    assert_eq!(greeter.get(&SEEN).unwrap(), Some(2));
    let record = |value: &'static str| EmittedRecord::Kafka {
        topic: "greetings".to_owned(),
        key: "ann".to_owned(),
        value: value.into(),
    };
    let records: Vec<_> = greeter.emitted().iter().map(|emitted| emitted.record.clone()).collect();
    assert_eq!(
        records,
        [record("Hello Ann, this is visit number 1."), record("Hello Ann \"the\" second, this is visit number 2.")]
    );
    assert_eq!(greeter.emitted()[0].egress.as_str(), "demo/greetings");
}

#[tokio::test]
async fn a_login_that_cannot_be_read_becomes_a_dead_letter_and_counts_nothing() {
    let mut greeter = greeter().expect_dead_letters();
    greeter.invoke(login(r#"{"name": "Ann"}"#)).await.unwrap();
    assert_eq!(greeter.get(&SEEN).unwrap(), None);
    assert_eq!(greeter.emitted()[0].egress.as_str(), "demo/dead-letter");
}

#[tokio::test]
async fn the_count_does_not_overflow() {
    let mut greeter = greeter();
    greeter.set(&SEEN, i32::MAX).unwrap();
    greeter.invoke(login(r#"{"user_name": "Ann"}"#)).await.unwrap();
    assert_eq!(greeter.get(&SEEN).unwrap(), Some(i32::MAX));
}
