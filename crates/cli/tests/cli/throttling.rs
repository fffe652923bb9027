//! Sending to a Kinesis that rejects some records temporarily, which no emulator does.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;

use serde_json::{Value, json};

/// Serves the requests of a connection until the client closes it.
fn serve(mut connection: TcpStream, seen: &mut Vec<Vec<String>>) -> Option<()> {
    let mut requests = BufReader::new(connection.try_clone().ok()?);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            requests.read_line(&mut line).ok().filter(|read| *read > 0)?;
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        requests.read_exact(&mut body).ok()?;
        let body: Value = serde_json::from_slice(&body).ok()?;
        let keys = body["Records"].as_array()?.iter().map(|record| record["PartitionKey"].as_str().unwrap_or_default());
        let keys: Vec<String> = keys.map(str::to_owned).collect();
        // The first time, a key that begins with an "x" is rejected.
        let records: Vec<Value> = keys
            .iter()
            .map(|key| match key.starts_with('x') && !seen.iter().flatten().any(|seen| seen == key) {
                true => json!({"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slowly"}),
                false => json!({"SequenceNumber": "1", "ShardId": "shardId-000000000000"}),
            })
            .collect();
        seen.push(keys);
        let body = json!({"Records": records}).to_string();
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length:";
        write!(connection, "{head} {}\r\n\r\n{body}", body.len()).ok()?;
    }
}

#[test]
fn only_rejected_records_are_retried_and_before_later_ones() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let server = thread::spawn(move || {
        let mut seen = Vec::new();
        let (connection, _) = listener.accept().expect("a client");
        serve(connection, &mut seen);
        seen
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("events.jsonl");
    let keys = ["a", "x1", "b", "x2", "x1", "c"];
    let lines: String = keys.map(|key| format!("{{\"id\":\"{key}\"}}\n")).concat();
    std::fs::write(&file, lines).expect("written");
    let output = Command::new(env!("CARGO_BIN_EXE_statefun"))
        .args(["send", "kinesis:s", "--key-pointer", "/id", "--region", "us-east-1", "--endpoint-url", &url])
        .arg(&file)
        .env("AWS_ACCESS_KEY_ID", "any")
        .env("AWS_SECRET_ACCESS_KEY", "any")
        .output()
        .expect("the program starts");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    assert!(error.contains("sent 6 records to kinesis:s, 6 confirmed"), "{error}");

    let seen = server.join().expect("the server ends with its client");
    let times = |key: &str| seen.iter().flatten().filter(|seen| *seen == key).count();
    // The first of x1 was rejected, the second belongs to a later event.
    assert_eq!(["a", "b", "c", "x1", "x2"].map(times), [1, 1, 1, 3, 2], "{seen:?}");
    for batch in &seen {
        assert!(batch.iter().filter(|key| *key == "x1").count() <= 1, "a key twice in one request: {seen:?}");
    }
}
