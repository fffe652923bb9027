//! How large requests and answers may be, and how long functions may take.

use statefun_lambda::LARGEST_BODY;

use crate::{request, test_functions};
use statefun_lambda_tests::emulator::{Source, event};

/// What the record of [`request`] and its answer have beside the payload, at most.
const FRAME: usize = 300;

#[tokio::test]
#[ignore = "needs the emulator of Lambda"]
async fn requests_up_to_six_mebibytes_of_event() {
    let emulator = test_functions(&[]);
    let of_size = |size: usize| event(Source::HttpApi, &request("large", "0".to_owned(), size - FRAME));
    let fits = of_size(LARGEST_BODY - 1000);
    assert!(fits.to_string().len() > 6 * 1024 * 1024 - 2000, "{}", fits.to_string().len());
    assert_eq!(emulator.answer(&fits).await.status, 200);
    let program = emulator.program();

    // A body over the limit, in an event that is not, as it has little else.
    let mut over = event(Source::HttpApi, &vec![b'x'; LARGEST_BODY + 1]);
    over["headers"] = serde_json::json!({"content-type": "application/octet-stream"});
    let answer = emulator.answer(&over).await;
    assert_eq!(answer.status, 413, "{}", answer.text());
    assert_eq!(answer.text(), format!("body too large: expected at most {LARGEST_BODY} bytes\n"));

    // Lambda refuses such an event; the emulator hands over as much of it as may be.
    let answer = emulator.invoke(of_size(LARGEST_BODY + 10_000).to_string()).await;
    assert!(answer["errorMessage"].as_str().is_some_and(|text| text.contains("EOF while parsing")), "{answer}");

    assert_eq!(emulator.answer(&fits).await.status, 200);
    assert_eq!(emulator.program(), program, "another process answers");
}

#[tokio::test]
#[ignore = "needs the emulator of Lambda"]
async fn answers_up_to_six_mebibytes_of_event() {
    let emulator = test_functions(&[]);
    for source in [Source::Rest, Source::HttpApi] {
        let of_size = |size: usize| event(source, &request("large", size.to_string(), 0));
        let answer = emulator.answer(&of_size(LARGEST_BODY - FRAME)).await;
        assert_eq!(answer.status, 200);
        assert!(answer.body.len() > LARGEST_BODY - FRAME && answer.body.len() <= LARGEST_BODY);
        let program = emulator.program();

        let answer = emulator.answer(&of_size(LARGEST_BODY)).await;
        assert_eq!(answer.status, 500);
        let (size, rest) = answer.text().strip_prefix("response too large: ").unwrap().split_once(" bytes, ").unwrap();
        let size: usize = size.parse().unwrap();
        assert!(size > LARGEST_BODY && size < LARGEST_BODY + FRAME, "{size}");
        assert!(rest.starts_with(&format!("expected at most {LARGEST_BODY}, the limit of Lambda")), "{rest}");
        assert_eq!(emulator.answer(&of_size(1)).await.status, 200);
        assert_eq!(emulator.program(), program, "another process answers");
    }
}

#[tokio::test]
#[ignore = "needs the emulator of Lambda"]
async fn functions_that_take_too_long_are_cut_off() {
    // By our own limit, and by Lambda's where that is shorter.
    for (name, value, expected) in [
        ("STATEFUN_FUNCTION_TIMEOUT", "300ms", "no response within 300ms"),
        ("AWS_LAMBDA_FUNCTION_TIMEOUT", "2", "no response within 1."),
    ] {
        let emulator = test_functions(&[(name, value)]);
        let late = event(Source::HttpApi, &request("late", "a".to_owned(), 1));
        let answer = emulator.answer(&late).await;
        let program = emulator.program();
        assert_eq!(answer.status, 504, "{}", answer.text());
        assert!(answer.text().starts_with(expected), "{}", answer.text());
        assert_eq!(emulator.answer(&event(Source::Rest, &request("large", "1".to_owned(), 1))).await.status, 200);
        assert_eq!(emulator.program(), program, "another process answers");
    }
}
