//! What is asked through Lambda is answered as the server answers it, to the byte.

use serde::Deserialize;
use statefun_applications::{Destinations, Settings};
use statefun_http::{Options, Server};
use statefun_sdk::{Bytes, Registry};

use crate::{product, test_functions};
use statefun_lambda_tests::emulator::{Answer, Emulator, OCTET_STREAM, SOURCES, client, event, post, repository};

/// Serves these functions over HTTP, as long as the test runs.
async fn server(registry: Registry) -> String {
    let options = Options { listen: ([127, 0, 0, 1], 0).into(), any_path: true, ..Options::default() };
    let server = Server::new(registry, options).expect("options").bind().expect("a free port");
    let url = format!("http://{}/statefun", server.local_addr());
    tokio::spawn(server.run(std::future::pending()));
    url
}

/// Asks both the same, by every kind of event, and gives the answers.
async fn compared(emulator: &Emulator, server: &str, requests: &[(String, Bytes)]) -> Vec<Answer> {
    let client = client();
    let mut answers = Vec::new();
    for (name, request) in requests {
        let expected = post(&client, server, OCTET_STREAM, request.clone()).await;
        for source in SOURCES {
            let answer = emulator.answer(&event(source, request)).await;
            assert_eq!(answer, expected, "{name} by {source:?}");
        }
        answers.push(expected);
    }
    answers
}

#[tokio::test]
#[ignore = "needs the emulator of Lambda"]
async fn requests_to_all_applications() {
    let mut requests = Vec::new();
    for file in std::fs::read_dir(repository("tests/protocol/requests")).expect("the stored requests") {
        let path = file.expect("a file").path();
        requests.push((path.display().to_string(), std::fs::read(&path).expect("a file").into()));
    }
    let functions = statefun_applications::all(&Destinations::default(), &Settings::default());
    let server = server(Registry::builder().functions(functions).build().expect("a valid registry")).await;
    let answers = compared(&product(), &server, &requests).await;
    // Recordings of another function among them.
    let found = answers.iter().filter(|answer| answer.status == 200).count();
    assert!(found >= 28 && answers.len() - found == 9, "{found} of {}", answers.len());
}

#[tokio::test]
#[ignore = "needs the emulator of Lambda"]
async fn golden_requests() {
    #[derive(Deserialize)]
    struct Pair {
        kind: String,
        to_function: String,
    }
    let bytes = |hex: &str| -> Bytes {
        let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("ASCII"));
        digits.map(|pair| u8::from_str_radix(pair, 16).expect("hex digits")).collect()
    };
    let mut requests = Vec::new();
    for file in std::fs::read_dir(repository("tests/data/golden")).expect("the golden pairs") {
        let text = std::fs::read(file.expect("a file").path()).expect("a file");
        let pair: Pair = serde_json::from_slice(&text).expect("a pair");
        requests.push((pair.kind, bytes(&pair.to_function)));
    }
    let server = server(statefun_lambda_tests::registry().expect("a valid registry")).await;
    let answers = compared(&test_functions(&[]), &server, &requests).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 14);
}
