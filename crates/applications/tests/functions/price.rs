use proptest::prelude::*;
use serde_json::Value;
use statefun_applications::Destinations;
use statefun_applications::product_cart::{Price, product};
use statefun_sdk::local::TestContext;

use super::support::message;

/// The price as it comes out of the whole path: event, state, answer. `None` where it is poison.
fn through_the_product(price: &str) -> Option<String> {
    let event = |data_type: &str, data: &str| {
        message(&format!(r#"{{"specversion":"1.0","id":"1","source":"s","type":"example.{data_type}","data":{data}}}"#))
    };
    let cart = r#"{"namespace":"example","type":"cart","id":"1"}"#;
    let product_data = format!(r#"{{"id":"apple","price":{price},"availability":"IN_STOCK"}}"#);
    let query = format!(r#"{{"publisher":{cart},"subscriber":{cart},"action":"QUERY","correlationId":null}}"#);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut context = TestContext::new(product::function(&Destinations::default()), "apple").unwrap();
        context.invoke(event("product", &product_data)).await.unwrap();
        // In a request of its own: the price has to come through the bytes of the state.
        context.invoke(event("function-subscription", &query)).await.unwrap();
        assert_eq!(context.emitted(), []);
        let answer: Value = serde_json::from_slice(context.sent().first()?.value.value()).unwrap();
        Some(answer["data"]["price"].to_string())
    })
}

#[test]
fn what_fits_comes_out_as_it_went_in() {
    for price in [
        "0",
        "0.00",
        "42",
        "42.42",
        "42.420",
        "-0.5",
        "-7",
        "9.98999999999999999999",
        "0.00001",
        "0.000001234",
        // What goes through `serde_json::Value` comes out as 1000000000000000.2.
        "1000000000000000.3",
        "1000000000000000000000",
        "18446744073709551616",
        "-18446744073709551616",
        "9999999999999999999999999999",
        "0.9999999999999999999999999999",
        "-9999999999999.999999999999999",
        "0.0000000000000000000000000001",
        "100000000000000000000.0",
    ] {
        assert_eq!(through_the_product(price).as_deref(), Some(price));
    }
}

#[test]
fn an_exponent_is_written_out() {
    for (price, written) in [
        ("1e2", "100"),
        ("1E+2", "100"),
        ("1.5e3", "1500"),
        ("4242e-2", "42.42"),
        ("1.50e1", "15.0"),
        ("1e-5", "0.00001"),
        ("1e20", "100000000000000000000"),
        ("1e27", "1000000000000000000000000000"),
        ("1e-28", "0.0000000000000000000000000001"),
        ("0e5", "0"),
    ] {
        assert_eq!(through_the_product(price).as_deref(), Some(written), "{price}");
    }
}

#[test]
fn what_would_be_rounded_is_poison() {
    for price in [
        "12345678901234567890123456789",
        "1.2345678901234567890123456789",
        "1.0000000000000000000000000000",
        "0.00000000000000000000000000001",
        "10000000000000000000000000000",
        "1e28",
        "1e-29",
        "1e999999999",
        "1e-999999999",
        "-1e999999999",
        "0e999999999",
        "1e99999999999999999999999",
        "1e2147483648",
        "1e-2147483648",
        "1.5e-2147483648",
        &"9".repeat(100_000),
        &format!("0.{}1", "0".repeat(100_000)),
    ] {
        let shown = &price[..price.len().min(40)];
        assert!(serde_json::from_str::<Price>(price).is_err(), "{shown}");
        assert_eq!(serde_json::from_str::<Value>(price).map(|_| ()).ok(), Some(()), "{shown} is a JSON number");
    }
}

#[test]
fn only_a_number_is_a_price() {
    for text in [
        "\"42\"",
        "null",
        "true",
        "[42]",
        "{}",
        "{\"a\":1}",
        "{\"$serde_json::private::Number\":\"42\"}",
        "",
        "-",
        "+1",
        ".5",
        "1.",
        "0x10",
        "NaN",
        "1_000",
    ] {
        assert!(serde_json::from_str::<Price>(text).is_err(), "{text}");
    }
}

#[test]
fn prices_are_equal_that_read_the_same() {
    let price = |text| serde_json::from_str::<Price>(text).unwrap();
    assert_eq!(price("42.0"), price("42.0"));
    assert_ne!(price("42.0"), price("42"));
    assert_ne!(price("42"), price("43"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn any_decimal_of_28_digits_comes_out_as_it_went_in(
        negative: bool,
        digits in "[1-9][0-9]{0,27}",
        scale in 0_usize..=28,
    ) {
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        let point = if fraction.is_empty() { "" } else { "." };
        let price = format!("{}{whole}{point}{fraction}", if negative { "-" } else { "" });
        prop_assert_eq!(through_the_product(&price), Some(price));
    }
}
