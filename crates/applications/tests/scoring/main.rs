//! The client of the scoring service, against a little service on loopback.

mod service;

use std::num::NonZeroU16;
use std::time::Duration;

use service::{Answer, Service, score, status};
use statefun_applications::fraud::ScoringService;
use statefun_applications::fraud::{HttpScoringService, ScoringOptions};

/// Nothing here may depend on how fast the machine is: where time is not what is tested there is plenty.
const PLENTY: Duration = Duration::from_secs(60);

fn options(url: &str) -> ScoringOptions {
    ScoringOptions {
        url: url.parse().expect("a URL"),
        timeout: PLENTY,
        retries: 2,
        concurrency: NonZeroU16::new(8).expect("not zero"),
        cool_down: PLENTY,
    }
}

fn client(options: ScoringOptions) -> HttpScoringService {
    HttpScoringService::new(options).expect("a client")
}

async fn ask(client: &HttpScoringService) -> Result<i32, String> {
    client.score("Hypergrid").await.map_err(|error| error.to_string())
}

/// Asks a service that gives these answers once; the result, and how many requests it took.
async fn asked(answers: impl IntoIterator<Item = Answer>, timeout: Duration) -> (Result<i32, String>, usize) {
    let service = Service::start(answers).await;
    let client = client(ScoringOptions { timeout, ..options(&service.url("/scores")) });
    let result = ask(&client).await;
    (result.map_err(|error| error.replace(&service.url(""), "")), service.requests().len())
}

#[tokio::test]
async fn the_score_is_what_the_service_says() {
    for answer in [0, 42, 100] {
        assert_eq!(asked([score(answer)], PLENTY).await, (Ok(answer), 1));
    }
    let body = " {\"merchant\": {\"name\": \"Hypergrid\"}, \"score\": 7}\n";
    assert_eq!(asked([status(200, body)], PLENTY).await, (Ok(7), 1));
}

#[tokio::test]
async fn the_name_of_the_merchant_is_a_parameter_whatever_it_holds() {
    let service = Service::start([score(1)]).await;
    for (path, name, target) in [
        ("/scores", "Hypergrid", "/scores?merchant=Hypergrid"),
        ("/scores?key=secret", "Hypergrid", "/scores?key=secret&merchant=Hypergrid"),
        ("", "Bob's & Söhne/?#%", "/?merchant=Bob%27s%20%26%20S%C3%B6hne%2F%3F%23%25"),
        ("/", "", "/?merchant="),
    ] {
        client(options(&service.url(path))).score(name).await.expect("a score");
        assert_eq!(service.requests().pop().as_deref(), Some(target));
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    for passing in [408, 429, 500, 502, 503, 504] {
        assert_eq!(asked([status(passing, ""), status(passing, "sorry"), score(42)], PLENTY).await, (Ok(42), 3));
    }
    let cut = Answer::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n{\"score\"".to_vec());
    for broken in [Answer::Bytes(vec![]), Answer::Bytes(b"no HTTP at all\r\n\r\n".to_vec()), cut] {
        assert_eq!(asked([broken.clone(), broken, score(42)], PLENTY).await, (Ok(42), 3));
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_waited_for_so_long_and_no_longer() {
    let (result, requests) = asked([Answer::None, score(42)], Duration::from_millis(500)).await;
    assert_eq!((result, requests), (Ok(42), 2));
    let (result, requests) = asked([Answer::None], Duration::from_millis(20)).await;
    assert_eq!((result, requests), (Err("/scores: no response within 20ms".to_owned()), 3));
    // Part of an answer is none.
    let service = Service::start([Answer::Held(1)]).await;
    let client =
        client(ScoringOptions { timeout: Duration::from_millis(20), retries: 0, ..options(&service.url("/")) });
    assert!(ask(&client).await.is_err_and(|error| error.ends_with("no response within 20ms")));
}

#[tokio::test]
async fn a_service_that_stays_down_is_tried_as_often_as_configured() {
    let (result, requests) = asked([status(503, "")], PLENTY).await;
    let error = "/scores: status 503 Service Unavailable, expected 200".to_owned();
    assert_eq!((result, requests), (Err(error), 3));
    for (retries, requests) in [(0, 1), (1, 2), (4, 5)] {
        let service = Service::start([status(500, "")]).await;
        let client = client(ScoringOptions { retries, ..options(&service.url("/scores")) });
        assert!(ask(&client).await.is_err());
        assert_eq!(service.requests().len(), requests);
    }
}

#[tokio::test]
async fn nobody_there_is_an_error_that_says_so() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/scores", listener.local_addr().expect("an address"));
    drop(listener);
    let error = ask(&client(options(&url))).await.expect_err("nobody is there");
    assert!(error.starts_with(&url) && error.contains("refused"), "{error}");
}

#[tokio::test]
async fn what_would_be_the_same_again_is_not_tried_again() {
    for lasting in [201, 204, 301, 400, 401, 404] {
        let (result, requests) = asked([status(lasting, "")], PLENTY).await;
        let error = result.expect_err("no score");
        assert!(error.starts_with(&format!("/scores: status {lasting}")), "{error}");
        assert_eq!(requests, 1);
    }
    for (body, reason) in [
        ("", "not a JSON object"),
        ("SECRET", "not a JSON object"),
        ("[42]", "not a JSON object"),
        ("{\"score\": 42", "the text ends too early"),
        ("{\"score\": \"SECRET\"}", "expected i32"),
        ("{\"score\": 42.5}", "expected i32"),
        ("{\"score\": null}", "expected i32"),
        ("{\"points\": 42}", "missing field `score`"),
        ("{\"score\": 1, \"score\": 2}", "duplicate field `score`"),
        ("{\"score\": 101}", "score out of range"),
        ("{\"score\": -1}", "score out of range"),
        ("{\"score\": 99999999999}", "expected i32"),
    ] {
        let (result, requests) = asked([status(200, body)], PLENTY).await;
        let error = result.expect_err("no score");
        assert!(error.contains(reason), "{body}: {error}");
        assert!(error.ends_with("; expected {\"score\": N}, N from 0 to 100") && !error.contains("SECRET"), "{error}");
        assert_eq!(requests, 1, "{body}");
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_not_read_to_its_end() {
    let body = format!("{{\"score\": 42{}}}", " ".repeat(100_000));
    let (result, requests) = asked([status(200, &body)], PLENTY).await;
    assert_eq!((result, requests), (Err("/scores: response body larger than 65536 bytes".to_owned()), 1));
    let announced = Answer::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n{".to_vec());
    assert!(asked([announced], PLENTY).await.0.is_err());
}

#[tokio::test]
async fn no_more_requests_are_sent_at_once_than_configured() {
    const CALLS: usize = 6;
    let service = Service::start([Answer::Held(42)]).await;
    let concurrency = NonZeroU16::new(2).expect("not zero");
    let client = client(ScoringOptions { concurrency, ..options(&service.url("/scores")) });
    let calls = futures_util::future::join_all((0..CALLS).map(|_| ask(&client)));
    let releases = async {
        for left in (1..=CALLS).rev() {
            service.holds(left.min(2)).await;
            service.release().await;
        }
    };
    let (scores, ()) = tokio::join!(calls, releases);
    assert_eq!(scores, vec![Ok(42); CALLS]);
    assert_eq!(service.most_held(), 2);
}

#[tokio::test]
async fn a_service_that_is_down_is_left_alone_for_a_while() {
    let down = || status(500, "");
    let service = Service::start([down(), down(), down(), score(42)]).await;
    let url = service.url("/scores?key=SECRET");
    let client = client(ScoringOptions { retries: 0, cool_down: Duration::from_millis(500), ..options(&url) });
    for _ in 0..3 {
        assert!(ask(&client).await.is_err_and(|error| error.contains("status 500") && !error.contains("SECRET")));
    }
    // Until it is asked again, and is up.
    let mut refused = 0;
    while let Err(error) = ask(&client).await {
        assert!(error.ends_with("/scores: no request sent after 3 consecutive failed calls"), "{error}");
        assert_eq!(service.requests().len(), 3);
        refused += 1;
        tokio::task::yield_now().await;
    }
    assert!(refused > 0);
    assert_eq!(ask(&client).await, Ok(42));
}

#[tokio::test]
async fn after_the_cool_down_one_call_tries_the_service() {
    let down = || status(500, "");
    let service = Service::start([down(), down(), down(), Answer::Held(42)]).await;
    let cool_down = Duration::from_millis(1);
    let client = client(ScoringOptions { retries: 0, cool_down, ..options(&service.url("/scores")) });
    for _ in 0..3 {
        assert!(ask(&client).await.is_err());
    }
    // The first call after the cool-down is held by the service.
    let mut probe = std::pin::pin!(async {
        loop {
            match ask(&client).await {
                Err(_) => tokio::task::yield_now().await,
                score => return score,
            }
        }
    });
    tokio::select! {
        score = &mut probe => panic!("{score:?} while it is held"),
        () = service.holds(1) => {}
    }
    for _ in 0..50 {
        let error = ask(&client).await.expect_err("the probe has no response yet");
        assert!(error.ends_with("no request sent after 3 consecutive failed calls"), "{error}");
    }
    assert_eq!(service.requests().len(), 4);
    service.release().await;
    assert_eq!(probe.await, Ok(42));
    let (score, ()) = tokio::join!(ask(&client), service.release());
    assert_eq!((score, service.requests().len()), (Ok(42), 5));
}

#[tokio::test]
async fn a_cancelled_probe_leaves_the_next_call_to_try_the_service() {
    let down = || status(500, "");
    let service = Service::start([down(), down(), down(), Answer::Held(1), score(42)]).await;
    let client = client(ScoringOptions { retries: 0, cool_down: Duration::ZERO, ..options(&service.url("/scores")) });
    for _ in 0..3 {
        assert!(ask(&client).await.is_err());
    }
    tokio::select! {
        score = ask(&client) => panic!("{score:?} while it is held"),
        () = service.holds(1) => {}
    }
    assert_eq!(ask(&client).await, Ok(42));
}

#[tokio::test]
async fn one_merchant_that_has_no_score_keeps_nobody_from_theirs() {
    let service = Service::start([status(404, "")]).await;
    let client = client(options(&service.url("/scores")));
    for _ in 0..10 {
        assert!(ask(&client).await.is_err());
    }
    assert_eq!(service.requests().len(), 10);
}

#[tokio::test]
async fn a_name_that_fits_no_url_is_an_error() {
    let service = Service::start([score(1)]).await;
    let error = client(options(&service.url("/scores"))).score(&"x".repeat(100_000)).await.expect_err("too long");
    assert!(error.to_string().ends_with("the merchant's name is too long for a URL"), "{error}");
    assert_eq!(service.requests(), [""; 0]);
}

#[test]
fn a_url_that_is_none_of_a_service_is_refused() {
    for url in ["ftp://localhost/", "/scores", "localhost:8080", "http://ann:secret@localhost/scores"] {
        let Err(error) = HttpScoringService::new(options(url)) else { panic!("{url}") };
        let expected = "expected http://HOST:PORT/PATH or https://HOST:PORT/PATH, without user and password";
        assert_eq!(error.to_string(), expected, "{url}");
    }
}
