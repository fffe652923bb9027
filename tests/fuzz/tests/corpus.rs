//! The stored inputs of all targets: those to begin with, and those that failed once.

use std::path::Path;

use statefun_fuzz_tests::TARGETS;

#[test]
fn stored_inputs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (name, target) in TARGETS {
        let inputs = std::fs::read_dir(folder.join(name)).unwrap_or_else(|error| panic!("corpus/{name}: {error}"));
        for input in inputs {
            let path = input.expect("an input").path();
            println!("{}", path.display());
            target(&std::fs::read(path).expect("read"));
        }
    }
}

#[test]
fn every_folder_is_of_a_target() {
    let folders = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")).expect("the stored inputs");
    for folder in folders {
        let name = folder.expect("a folder").file_name();
        assert!(TARGETS.iter().any(|(known, _)| name == **known), "{name:?}");
    }
}
