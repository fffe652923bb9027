use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use statefun_applications::fraud::generator::{Event, EventMessage, Events};
use statefun_applications::fraud::messages::{Alert, Transaction};
use statefun_sdk::TypedValue;

const SECOND: Duration = Duration::from_secs(1);

fn events(seed: u64, transactions: usize) -> Vec<Event> {
    let events = Events::new(seed, SECOND, SystemTime::UNIX_EPOCH);
    // A round is ten transactions and two others.
    events.take(transactions / 10 * 12).collect()
}

#[test]
fn a_seed_gives_the_same_events_each_time_and_another_seed_others() {
    assert_eq!(events(7, 100), events(7, 100));
    assert_ne!(events(7, 100), events(8, 100));
    // And the next release as this one.
    let Some(Event { key, message: EventMessage::Transaction(transaction), .. }) = events(1, 10).into_iter().next()
    else {
        panic!("a transaction comes first")
    };
    let told = format!("{key} {}", Alert(&transaction));
    assert_eq!(
        told,
        "55e2ec16e7144a81947f5692cbaae9f0 Suspected Fraud for account id 0x00DA51BB at Deltadesk for 262 USD"
    );
}

#[test]
fn a_transaction_comes_each_time_and_with_every_tenth_a_confirmation_and_a_threshold() {
    let mut times: BTreeMap<Duration, Vec<&str>> = BTreeMap::new();
    for event in events(3, 100) {
        let kind = match event.message {
            EventMessage::Transaction(_) => "transaction",
            EventMessage::ConfirmFraud(_) => "confirmation",
            EventMessage::CustomThreshold(_) => "threshold",
        };
        times.entry(event.at).or_default().push(kind);
    }
    assert_eq!(times.len(), 100);
    for (second, (at, kinds)) in (1..).zip(times) {
        assert_eq!(at, second * SECOND);
        let all = ["transaction", "confirmation", "threshold"];
        assert_eq!(kinds, if second % 10 == 0 { &all[..] } else { &all[..1] }, "{at:?}");
    }
}

#[test]
fn everything_is_within_its_range() {
    let (mut accounts, mut ids) = (BTreeMap::new(), BTreeMap::new());
    for Event { at, key, message } in events(5, 5000) {
        let account = match message {
            EventMessage::Transaction(Transaction { account, timestamp, merchant, amount }) => {
                assert!(key.len() == 32 && key.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{key}");
                *ids.entry(key).or_insert(0) += 1;
                assert!((1..=1000).contains(&amount));
                assert_eq!(timestamp, Some((SystemTime::UNIX_EPOCH + at).into()));
                let capitals: Vec<_> = merchant.chars().map(|letter| letter.is_ascii_uppercase()).collect();
                assert!(capitals[0] && !capitals[1..].contains(&true), "{merchant}");
                account
            }
            EventMessage::ConfirmFraud(confirmed) => {
                assert_eq!(key, confirmed.account);
                confirmed.account
            }
            EventMessage::CustomThreshold(custom) => {
                assert_eq!(key, custom.account);
                assert!((1..=100).contains(&custom.threshold));
                custom.account
            }
        };
        *accounts.entry(account).or_insert(0) += 1;
    }
    assert!(ids.values().all(|count| *count == 1), "an id came twice");
    for account in accounts.keys() {
        let digits = account.strip_prefix("0x").unwrap();
        assert!(digits.len() == 8 && !digits.contains(|digit: char| digit.is_ascii_lowercase()), "{account}");
        assert!((0x10_0000..=0x100_0000).contains(&u32::from_str_radix(digits, 16).unwrap()), "{account}");
    }
    assert!(accounts.values().all(|count| *count > 10), "accounts come back: {accounts:?}");
}

#[test]
fn an_event_knows_its_way() {
    for event in events(5, 10) {
        let ingress = event.ingress();
        let value = TypedValue::from_bytes(ingress.value_type().as_str(), event.value());
        let (topic, decoded) = match &event.message {
            EventMessage::Transaction(message) => ("transactions", value.get().as_ref() == Ok(message)),
            EventMessage::ConfirmFraud(message) => ("confirmed", value.get().as_ref() == Ok(message)),
            EventMessage::CustomThreshold(message) => ("thresholds", value.get().as_ref() == Ok(message)),
        };
        assert_eq!((ingress.topic(), decoded), (topic, true));
    }
}

#[test]
fn an_alert_reads_as_a_sentence() {
    let transaction =
        Transaction { account: "0x00F3CD51".to_owned(), timestamp: None, merchant: "Hypergrid".to_owned(), amount: 36 };
    assert_eq!(Alert(&transaction).to_string(), "Suspected Fraud for account id 0x00F3CD51 at Hypergrid for 36 USD");
}
