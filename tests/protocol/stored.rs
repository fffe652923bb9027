//! Stored requests get their stored answers, to the byte.

use std::path::{Path, PathBuf};

use crate::requests::made;
use crate::server::Server;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/protocol").join(name)
}

pub(crate) fn request(name: &str) -> PathBuf {
    folder("requests").join(name).with_extension("bin")
}

#[test]
fn stored_requests_get_their_stored_answers() {
    let regenerate = std::env::var_os("REGENERATE").is_some();
    let server = Server::start(&[]);
    for (name, bytes) in made() {
        if regenerate {
            std::fs::write(request(name), &bytes).expect("written");
        }
        let stored = std::fs::read(request(name)).expect("a stored request");
        assert!(stored == bytes, "{name} is not what requests.rs makes: see main.rs");
        let answer = server.post(&request(name), &[]);
        assert_eq!(answer.status, 200, "{name}: {answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/octet-stream"), "{name}");
        let path = folder("answers").join(name).with_extension("bin");
        if regenerate {
            std::fs::write(&path, &answer.body).expect("written");
        }
        let expected = std::fs::read(&path).expect("a stored answer");
        assert!(answer.body == expected, "{name}: another answer than {}", path.display());
        // A retry is the same request again.
        assert_eq!(server.post(&request(name), &[]).body, expected, "{name}");
    }
}

/// What the stock runtime sent is understood; its function is just not one of ours.
#[test]
fn recorded_requests_are_understood() {
    let server = Server::start(&[]);
    let mut recorded = 0;
    for file in std::fs::read_dir(folder("requests")).expect("the stored requests") {
        let path = file.expect("a file").path();
        if !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("captured-")) {
            continue;
        }
        let answer = server.post(&path, &[]);
        let line = answer.refusal(404);
        assert!(line.contains("\"example/greeter\""), "{line}");
        recorded += 1;
    }
    assert_eq!(recorded, 9);
}
