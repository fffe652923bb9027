//! How long the program takes under the emulator of Lambda; `lambda/bench` runs it.
//!
//! Cold is from the start of the process, of which the emulator's first event is the cause, to the answer. Warm is one
//! event after the other to a process that runs. Both are seen by the client, so the emulator's own work is in them.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use statefun_lambda_tests::emulator::{Emulator, Source, event, repository};

const STARTS: usize = 100;
const WARM_UP: usize = 500;
const EVENTS: usize = 5_000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // cargo test would run it, too.
    if std::env::args().all(|argument| argument != "--bench") {
        return;
    }
    let program = PathBuf::from(std::env::var_os("LAMBDA_PROGRAM").expect("LAMBDA_PROGRAM, the program"));
    let request = std::fs::read(repository("tests/protocol/requests/product-with-subscriber.bin")).expect("a request");
    let event = event(Source::HttpApi, &request);
    let text = event.to_string();

    let mut cold = Vec::new();
    for _ in 0..STARTS {
        let emulator = Emulator::start(&program, &[]);
        let start = Instant::now();
        let answer = emulator.invoke(text.clone()).await;
        cold.push(start.elapsed());
        assert_eq!(answer["statusCode"], 200, "{answer}");
    }
    print("cold", cold);

    let emulator = Emulator::start(&program, &[]);
    let mut warm = Vec::new();
    for n in 0..WARM_UP + EVENTS {
        let start = Instant::now();
        emulator.invoke(text.clone()).await;
        if n >= WARM_UP {
            warm.push(start.elapsed());
        }
    }
    print("warm", warm);
}

fn print(name: &str, mut times: Vec<Duration>) {
    times.sort();
    // By the nearest rank.
    let millis = |share: f64| times[(times.len() as f64 * share).ceil() as usize - 1].as_secs_f64() * 1e3;
    println!(
        "{name}: median {:.2} ms, 99th percentile {:.2} ms, longest {:.2} ms, of {}",
        millis(0.5),
        millis(0.99),
        millis(1.0),
        times.len()
    );
}
