//! The modules that come with the project are what `module render` makes.
//!
//! `REGENERATE=1 cargo test --test module renders` writes them anew.

use std::path::Path;

use super::support::run;

#[test]
fn renders_root_module() {
    assert_render("module.yaml", &[]);
}

#[test]
fn renders_kafka_module_of_docker_compose() {
    let options = ["--kafka-address", "kafka:9092"];
    assert_render("deploy/compose/module-kafka.yaml", &[&COMPOSE[..], &options].concat());
}

#[test]
fn renders_kinesis_module_of_docker_compose() {
    let options = [
        ["--ingress", "kinesis"],
        ["--egress", "kinesis"],
        ["--aws-region", "us-east-1"],
        // LocalStack has a certificate for this name, and docker-compose.yml lets it lead there.
        ["--kinesis-endpoint", "https://demo.localhost.localstack.cloud:4566"],
        ["--kinesis-properties", "deploy/compose/kinesis.properties"],
    ];
    assert_render("deploy/compose/module-kinesis.yaml", &[&COMPOSE[..], options.as_flattened()].concat());
}

const COMPOSE: [&str; 4] = ["--application", "product-cart", "--url", "http://functions:8000/statefun"];

/// Asserts that the file is what these options make, and that nothing is found in it.
fn assert_render(file: &str, options: &[&str]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let fresh = run(&[&["module", "render"], options].concat());
    assert_eq!((fresh.code, fresh.err.as_str()), (Some(0), ""));
    if std::env::var_os("REGENERATE").is_some() {
        std::fs::write(&path, &fresh.out).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == fresh.out, "{file} is not what `module render` makes; run this test with REGENERATE=1");
    let egresses: &[&str] = if options.contains(&"kinesis") { &["--egress", "kinesis"] } else { &[] };
    let checked = run(&[&["module", "check", path.to_str().unwrap()], egresses].concat());
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(checked.out.contains("(0 errors, 0 warnings)"), "{checked:?}");
}
