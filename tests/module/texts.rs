//! Whole files: what is no module, or one of another age, and how findings are told.

use super::support::{EGRESSES, FINE, assert_findings, check, run, run_with};

const LEGACY: &str = include_str!("legacy.yaml");
const LEGACY_WARNING: &str = "warning: document 1, line 1, version: the format of StateFun 3.0";

#[test]
fn a_module_in_which_nothing_is_wrong_is_summed_up() {
    let run = check(FINE);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(
        run.out,
        "standard input: fine (0 errors, 0 warnings)\n\
         \x20 endpoints: example/*, demo/greeter, elsewhere/*\n\
         \x20 ingresses: example/ingress, demo/logins\n\
         \x20 egresses: example/egress, example/dead-letter, demo/greetings, demo/dead-letter\n\
         \x20 functions of this server: example/router, example/product, example/cart, demo/greeter\n\
         \x20 functions left out: shopping-cart-example/cart, shopping-cart-example/inventory, \
         ververica/transaction-manager, ververica/counter, ververica/merchant, ververica/model, ververica/threshold\n"
    );
}

#[test]
fn a_finding_tells_where_what_what_follows_and_what_to_do() {
    let run = check(&FINE.replace("transactionTimeout: 15 min", "transactionTime: 15 min"));
    assert_eq!(
        run.out,
        "error: document 6 (io.statefun.kafka.v1/egress example/egress), line 81, spec.deliverySemantic: \
         exactly-once without transactionTimeout\n\
         \x20 on the cluster: the job does not start\n\
         \x20 to do: add transactionTimeout, such as 10 min: longer than a checkpoint and a restart take together\n\n\
         error: document 6 (io.statefun.kafka.v1/egress example/egress), line 83, spec.deliverySemantic.transactionTime: \
         there is no such field\n\
         \x20 on the cluster: the runtime passes over it without a word\n\
         \x20 to do: remove it, or write one of those that there are: type, transactionTimeout, \
         transactionTimeoutMillis\n\n"
    );
    assert_eq!(run.err, "error: standard input: 2 errors, 0 warnings\n");
    assert_eq!(run.code, Some(1));
}

#[test]
fn a_module_may_cover_some_of_the_applications() {
    let documents: Vec<&str> = FINE.split("---\n").collect();
    let product_cart = [documents[0], documents[3], documents[5], documents[7]].join("---\n");
    let run = check(&product_cart);
    assert_eq!(run.code, Some(0), "{run:?}");
    let left_out = "functions left out: shopping-cart-example/cart, shopping-cart-example/inventory, \
         ververica/transaction-manager, ververica/counter, ververica/merchant, ververica/model, ververica/threshold, \
         demo/greeter\n";
    assert!(run.out.contains(left_out), "{run:?}");
}

#[test]
fn a_job_needs_an_endpoint_and_an_ingress() {
    let documents: Vec<&str> = FINE.split("---\n").collect();
    assert_eq!(
        check(documents[7]).findings(),
        ["error: the module: there is no endpoint", "error: the module: there is no ingress"]
    );
    for nothing in ["", "\n", "# Nothing\n", "---\n---\n", "~"] {
        let run = check(nothing);
        assert_eq!(run.findings().len(), 2, "{nothing:?}: {run:?}");
        assert_eq!(run.code, Some(1));
    }
}

#[test]
fn the_destinations_of_the_egresses_tell_their_kinds() {
    let run = run_with(&["module", "check", "-"], FINE.as_bytes());
    assert_eq!(
        run.findings(),
        [
            "error: document 9 (io.statefun.kinesis.v1/egress demo/greetings), line 98, spec.id: records of kafka come from \
         demo/greeter, but it is of kinesis",
            "error: document 10 (io.statefun.kinesis.v1/egress demo/dead-letter), line 112, spec.id: records of kafka come \
         from demo/greeter, but it is of kinesis",
        ]
    );
    let run = run_with(
        &["module", "check", "-", "--egress", "kinesis", "--egress", "demo/greetings=kafka:g"],
        FINE.as_bytes(),
    );
    assert_eq!(run.findings().len(), 3, "{run:?}");
}

#[test]
fn text_that_is_not_yaml_is_told_with_its_line() {
    for (text, finding) in [
        ("kind: [\n", "error: the module, line 2: this is not YAML: "),
        ("kind: a\n spec: b: c\n", "error: the module, line 2: this is not YAML: "),
        ("kind: *nobody\n", "error: the module, line 1: this is not YAML: "),
        ("? [a]\n: b\n", "error: the module, line 1: this is not YAML: a key that is not a text"),
    ] {
        let run = check(text);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(matches!(run.findings()[..], [found] if found.starts_with(finding)), "{text:?}: {run:?}");
    }
    let run = run_with(&["module", "check", "-"], b"kind: a\nspec: \xff\n");
    assert_eq!(run.findings(), ["error: the module, line 2: this is not UTF-8"]);
}

#[test]
fn text_that_is_deep_or_large_or_blows_up_is_survived() {
    for deep in ["[".repeat(100_000), "{a: ".repeat(100_000), "- ".repeat(100_000), "? ".repeat(100_000)] {
        let run = check(&deep);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(matches!(run.findings()[..], [found] if found.contains("this is not YAML: ")), "{run:?}");
    }
    let laughs = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n";
    assert!(check(laughs).out.contains("aliases are not resolved"));
    let run = check(&"#".repeat(5 * 1024 * 1024));
    assert_eq!(
        (run.code, run.err.as_str()),
        (Some(1), "error: standard input: larger than 4194304 bytes: no module is\n")
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let run = run(&["module", "check", "no/such/file.yaml"]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.starts_with("error: no/such/file.yaml: "), "{run:?}");
}

#[test]
fn a_file_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("module.yaml");
    std::fs::write(&path, FINE).unwrap();
    let run = run(&[&["module", "check", path.to_str().unwrap()][..], &EGRESSES].concat());
    assert_eq!(run.code, Some(0), "{run:?}");
}

#[test]
fn formats_with_a_version() {
    assert_eq!(check(LEGACY).findings(), [LEGACY_WARNING]);
    assert_eq!(check(LEGACY).code, Some(0));
    for (version, wrong) in [
        ("3.0", "a number where a text is expected"),
        ("\"1.0\"", "format 1.0 is that of StateFun 2.x"),
        ("1.0", "format 1.0 is that of StateFun 2.x"),
        ("\"2.0\"", "format 2.0 is that of StateFun 2.x"),
        ("\"3.1\"", "there is no format \"3.1\" with a version"),
    ] {
        let run = check(&LEGACY.replacen("\"3.0\"", version, 1));
        assert_eq!(run.findings(), [format!("error: document 1, line 1, version: {wrong}")]);
        assert_eq!(run.code, Some(1));
    }
}

#[test]
fn a_module_of_3_0_is_checked_like_any_other() {
    for (from, to, finding) in [
        ("type: remote", "type: embedded", "line 4, module.meta.type: only remote modules are written in YAML"),
        ("    type: remote\n", "    name: remote\n", "line 3, module.meta: type is missing"),
        (
            "    endpoints:\n",
            "    functions: []\n    endpoints:\n",
            "line 6, module.spec.functions: there is no such field",
        ),
        (
            "kind: http",
            "kind: grpc",
            "(grpc example/*), line 9, module.spec.endpoints[0].endpoint.meta.kind: \"grpc\" cannot",
        ),
        (
            "            kind: http\n",
            "            name: http\n",
            "line 7, module.spec.endpoints[0].endpoint: meta.kind is missing",
        ),
        ("      - endpoint:", "      - entpoint:", "line 7, module.spec.endpoints[0]: endpoint is missing"),
        (
            "              call: 2min\n",
            "              call: 2min\n            transport: {}\n",
            "(http example/*), line 16, module.spec.endpoints[0].endpoint.spec.transport: endpoints.v1 always uses okhttp",
        ),
        ("            id: example/ingress\n", "", "line 18, module.spec.ingresses[0].ingress.meta: id is missing"),
        ("id: example/ingress", "id: ingress", "module.spec.ingresses[0].ingress.meta.id: \"ingress\" cannot"),
        ("- example/router", "- example/rooter", "targets[0]: this server has no function example/rooter"),
        ("id: example/egress", "id: example/exit", "egress example/egress is not declared"),
        (
            "          spec:\n            address: kafka:9092\n            deliverySemantic",
            "          sepc:\n            deliverySemantic",
            "egress: spec is missing",
        ),
    ] {
        assert!(LEGACY.contains(from), "{from:?}");
        let run = check(&LEGACY.replacen(from, to, 1));
        assert!(run.findings().iter().any(|found| found.contains(finding)), "{from:?}: {run:?}");
        assert_eq!(run.code, Some(1), "{from:?}: {run:?}");
    }
}

#[test]
fn of_two_keys_the_last_one_holds() {
    assert_findings(
        "  functions: elsewhere/*\n",
        "  functions: nobody\n  functions: elsewhere/*\n",
        &[
            "error: document 3 (io.statefun.endpoints.v1/http elsewhere/*), line 33, spec.functions: functions is there \
           twice, first in line 32",
        ],
    );
}

#[test]
fn names_are_read_as_the_runtime_reads_them() {
    // It drops what is empty at the end.
    assert_findings("        - example/router\n", "        - example/router/\n", &[]);
    assert_findings("call: 2 min", "call: 2m", &[]);
    assert_findings("call: 2 min", "call: 120000", &[]);
    assert_findings("maxNumBatchRequests: 500", "maxNumBatchRequests: \"500\"", &[]);
    assert_findings("autoOffsetResetPosition: earliest", "autoOffsetResetPosition: LATEST", &[]);
    assert_findings(
        "    type: earliest\n",
        "    type: specific-offsets\n    offsets:\n      - example-ingress/0: 5\n",
        &[],
    );
    assert_findings(
        "  address: kafka:9092\n  consumerGroupId: example\n  startup",
        "  startup",
        &[
            "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 39, spec: address is missing",
            "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 39, spec: consumerGroupId is missing",
        ],
    );
}

#[test]
fn an_ingress_finds_its_brokers_and_its_group_among_the_properties_too() {
    let properties = "    - security.protocol: SSL\n";
    let more = format!("{properties}    - bootstrap.servers: kafka:9092\n    - group.id: example\n");
    let module =
        FINE.replacen("  address: kafka:9092\n  consumerGroupId: example\n", "", 1).replacen(properties, &more, 1);
    assert_eq!(check(&module).code, Some(0));
}
