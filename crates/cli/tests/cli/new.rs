//! What `statefun new` writes; that it builds and works is shown by the tutorial, which begins with it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn new(folder: &Path, arguments: &[&str]) -> Output {
    let mut statefun = Command::new(env!("CARGO_BIN_EXE_statefun"));
    statefun.arg("new").args(arguments).current_dir(folder).output().expect("the program starts")
}

fn clone() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").display().to_string()
}

/// All files, by their paths in the project.
fn files(project: &Path) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(project).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => files.extend(self::files(&path)),
            false => drop(files.insert(path.display().to_string())),
        }
    }
    files
}

#[test]
fn every_placeholder_is_filled() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, options, count) in [("shop", &["--sdk", &clone()][..], 11), ("a-much_longer-name-1", &["--lambda"], 12)]
    {
        let output = new(folder.path(), &[&[name], options].concat());
        assert!(output.status.success(), "{output:?}");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            format!("{name}: written. Next: cd {name} && cargo test && cargo run\n")
        );
        let files = files(&folder.path().join(name));
        assert_eq!(files.len(), count, "{files:?}");
        for file in &files {
            let text = fs::read_to_string(file).expect("text");
            let left = ["{{name", "{{crate", "{{statefun", "{{lambda", "{{build", "{{copy", "{{ci"];
            assert!(left.iter().all(|placeholder| !text.contains(placeholder)), "{file}: {text}");
        }
        let manifest = fs::read_to_string(folder.path().join(name).join("Cargo.toml")).expect("a manifest");
        assert!(manifest.contains(&format!("default-run = \"{name}\"")), "{manifest}");
        let module = fs::read_to_string(folder.path().join(name).join("module.yaml")).expect("a module");
        assert!(module.contains(&format!("functions: {name}/*\n")), "{module}");
    }
}

#[test]
fn the_sdk_is_where_the_option_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let clone = fs::canonicalize(clone()).expect("the clone");
    for (name, option, expected) in [
        // The tests are of a program that was built from a clone.
        ("beside", None, format!("path = \"{}/crates/sdk\"", clone.display())),
        ("cloned", clone.to_str(), format!("path = \"{}/crates/sdk\"", clone.display())),
        ("fetched", Some("https://example.com/statefun.git"), "git = \"https://example.com/statefun.git\"".to_owned()),
    ] {
        let option = option.map(|sdk| ["--sdk", sdk]);
        let output = new(folder.path(), &[&[name], option.as_ref().map(|o| &o[..]).unwrap_or_default()].concat());
        assert!(output.status.success(), "{output:?}");
        let manifest = fs::read_to_string(folder.path().join(name).join("Cargo.toml")).expect("a manifest");
        assert!(manifest.contains(&format!("statefun-sdk = {{ {expected} }}")), "{manifest}");
    }
}

#[test]
fn what_is_there_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("shop")).expect("a folder");
    fs::write(folder.path().join("shop/mine"), "mine").expect("a file");
    let output = new(folder.path(), &["shop"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "error: shop: the folder is there already, and not empty\n");
    assert_eq!(files(&folder.path().join("shop")).len(), 1);
    for (sdk, reason) in [("no/such", "No such file"), (".", "there is no crates/sdk/Cargo.toml; expected a clone")] {
        let output = new(folder.path(), &["other", "--sdk", sdk]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && error.contains(reason), "{error}");
        assert!(!folder.path().join("other").exists());
    }
}
