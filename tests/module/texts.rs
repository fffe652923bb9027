//! Whole files: what is no module, or one of another age, and how the program tells findings.

use std::path::Path;

use statefun_applications::Destinations;
use statefun_sdk::{Connector, Destination};

use super::support::{EGRESSES, FINE, assert_findings, briefs, check, check_for, run, run_check, run_with};

const LEGACY: &str = include_str!("legacy.yaml");

#[test]
fn a_module_in_which_nothing_is_wrong_is_summed_up() {
    let run = run_check(FINE);
    assert_eq!(run.code, Some(0), "{run:?}");
    // Nobody has the functions of `elsewhere/*`.
    let (unchecked, rest) = run.out.split_once("\n\n").unwrap();
    assert!(unchecked.starts_with("unchecked[functions-not-seen]: document 3 "), "{unchecked}");
    assert_eq!(
        rest,
        "standard input: no errors found (0 errors, 0 warnings, 1 unchecked)\n\
         \x20 endpoints: example/*, demo/greeter, elsewhere/*\n\
         \x20 ingresses: example/ingress, demo/logins\n\
         \x20 egresses: example/egress, example/dead-letter, demo/greetings, demo/dead-letter\n\
         \x20 functions covered: demo/greeter, example/cart, example/product, example/router\n\
         \x20 functions left out: shopping-cart-example/cart, shopping-cart-example/inventory, ververica/counter, \
         ververica/merchant, ververica/model, ververica/threshold, ververica/transaction-manager\n"
    );
}

#[test]
fn what_a_module_quotes_is_no_line_and_no_command_of_the_terminal() {
    const HOSTILE: &str = r#""x\nerror[forged]: \e[31m\a\x9b0m""#;
    let module = FINE.replacen("kind: io.statefun.endpoints.v2/http", &format!("kind: {HOSTILE}"), 1);
    assert_ne!(module, FINE);
    let module = module.replacen("pool_size: 1024", &format!("{HOSTILE}: {HOSTILE}"), 1);
    let report = check(&module).to_string();
    assert!(report.contains(r"x\nerror[forged]: \u{1b}[31m\u{7}\u{9b}0m"), "{report}");
    assert!(!report.contains(|c: char| c.is_control() && c != '\n'), "{report:?}");
    assert!(!report.lines().any(|line| line.starts_with("error[forged]")), "{report}");
    let run = run_check(&module);
    assert!(!run.out.lines().any(|line| line.starts_with("error[forged]")), "{run:?}");
}

/// The only test of how findings are worded. `REGENERATE=1 cargo test --test module wording` writes the file anew.
#[test]
fn the_wording_of_findings() {
    let run = run_with(&["module", "check", "-"], include_bytes!("findings.yaml"));
    assert_eq!(run.code, Some(1), "{run:?}");
    let told = run.out + &run.err;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/module/findings.txt");
    if std::env::var_os("REGENERATE").is_some() {
        std::fs::write(&path, &told).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let changed = told.lines().zip(kept.lines()).find(|(told, kept)| told != kept);
    assert!(told == kept, "tests/module/findings.txt is not what `module check` prints, first in {changed:?}");
}

#[test]
fn a_module_with_warnings_only_is_fine() {
    let run = run_check(&FINE.replacen("transactionTimeout: 15 min", "transactionTimeout: 16 min", 1));
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains("warning[long-transaction-timeout]: document 6 "), "{run:?}");
    assert!(run.out.contains("\n\nstandard input: no errors found (0 errors, 1 warning, 1 unchecked)\n"), "{run:?}");
    assert_eq!(run.err, "");
}

#[test]
fn a_module_with_an_error_is_not_fine() {
    let run = run_check(&FINE.replacen("pool_size: 1024", "pool_size: 0", 1));
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.out.starts_with("error[number-below-one]: document 1 "), "{run:?}");
    assert_eq!(run.err, "error: standard input: 1 error, 0 warnings, 1 unchecked\n");
}

#[test]
fn a_finding_has_the_label_of_its_document_and_a_line() {
    for (text, from, to, label, line) in [
        // The line of the key.
        (
            FINE,
            "pool_size: 1024",
            "pool_size: 0",
            Some("document 1 (io.statefun.endpoints.v2/http example/*)"),
            Some(11),
        ),
        // That of an item, which has no key.
        (
            FINE,
            "        - example/router",
            "        - example/rooter",
            Some("document 4 (io.statefun.kafka.v1/ingress example/ingress)"),
            Some(50),
        ),
        // That of the mapping which lacks a field.
        ("", "", "kind: io.statefun.kafka.v1/egress\n", Some("document 1 (io.statefun.kafka.v1/egress)"), Some(1)),
        (
            FINE,
            "  address: kafka:9092\n  deliverySemantic:\n    type: exactly-once",
            "  deliverySemantic:\n    type: exactly-once",
            Some("document 6 (io.statefun.kafka.v1/egress example/egress)"),
            Some(78),
        ),
        // That of the second of two keys.
        (
            FINE,
            "functions: demo/greeter\n",
            "functions: demo/greeter\n  functions: demo/greeter\n",
            Some("document 2 (io.statefun.endpoints.v2/http demo/greeter)"),
            Some(21),
        ),
        (FINE, "# An empty document is passed over.\n", "- a list\n", Some("document 7"), Some(85)),
        (FINE, "kind: io.statefun.endpoints.v1/http", "kind: http", Some("document 3 (http elsewhere/*)"), Some(30)),
        (LEGACY, "kind: http", "kind: grpc", Some("document 1 (grpc example/*)"), Some(9)),
        (LEGACY, "      - endpoint:", "      - entpoint:", Some("document 1"), Some(7)),
        // The module as a whole.
        (FINE, "id: example/egress", "id: example/exit", None, None),
        // Its text.
        (FINE, "maxNumBatchRequests: 500", "maxNumBatchRequests: [", None, Some(6)),
    ] {
        let report = check(text.replacen(from, to, 1));
        let found =
            report.findings.iter().any(|found| (found.place(), found.line()) == (label.unwrap_or("the module"), line));
        assert!(found, "{from:?} as {to:?}: {report:?}");
    }
}

#[test]
fn findings_are_in_the_order_of_the_file() {
    let lines: Vec<_> = check(include_bytes!("findings.yaml")).findings.iter().map(|found| found.line()).collect();
    let known = lines.iter().take_while(|line| line.is_some()).count();
    assert!(lines[..known].is_sorted(), "{lines:?}");
    assert!(known < lines.len() && lines[known..].iter().all(Option::is_none), "{lines:?}");
}

#[test]
fn a_module_may_cover_some_of_the_applications() {
    let documents: Vec<&str> = FINE.split("---\n").collect();
    let product_cart = [documents[0], documents[3], documents[5], documents[7]].join("---\n");
    let report = check(product_cart);
    assert!(report.findings.is_empty(), "{report:?}");
    let left_out = [
        "demo/greeter",
        "shopping-cart-example/cart",
        "shopping-cart-example/inventory",
        "ververica/counter",
        "ververica/merchant",
        "ververica/model",
        "ververica/threshold",
        "ververica/transaction-manager",
    ];
    assert_eq!(report.summary.expect("a summary").left_out, left_out);
}

#[test]
fn a_job_needs_an_endpoint_and_an_ingress() {
    const MISSING: [&str; 2] = ["error[missing-endpoint] module", "error[missing-ingress] module"];
    let documents: Vec<&str> = FINE.split("---\n").collect();
    for text in [documents[7], "", "\n", "# Nothing\n", "---\n---\n", "~"] {
        assert_eq!(briefs(&check(text)), MISSING, "{text:?}");
    }
}

#[test]
fn the_destinations_of_the_egresses_tell_their_kinds() {
    let mismatches = |documents: &[usize]| -> Vec<String> {
        documents.iter().map(|document| format!("error[egress-connector-mismatch] {document}:spec.id")).collect()
    };
    let mut destinations = Destinations::default();
    assert_eq!(briefs(&check_for(FINE, &destinations)), mismatches(&[9, 10]));
    destinations.set_all(Connector::Kinesis);
    destinations.set("demo/greetings", Destination::kafka("g")).unwrap();
    assert_eq!(briefs(&check_for(FINE, &destinations)), mismatches(&[6, 8, 9]));

    // The same of the program.
    let run = run_with(&["module", "check", "-"], FINE.as_bytes());
    assert_eq!(run.err, "error: standard input: 2 errors, 0 warnings, 1 unchecked\n");
    let run = run_with(
        &["module", "check", "-", "--egress", "kinesis", "--egress", "demo/greetings=kafka:g"],
        FINE.as_bytes(),
    );
    assert_eq!(run.err, "error: standard input: 3 errors, 0 warnings, 1 unchecked\n");
}

#[test]
fn text_that_is_not_yaml_is_told_with_its_line() {
    for (text, code, line) in [
        (&b"kind: [\n"[..], "invalid-yaml", 2),
        (b"kind: a\n spec: b: c\n", "invalid-yaml", 2),
        (b"kind: *nobody\n", "invalid-yaml", 1),
        // A key that is not a scalar.
        (b"? [a]\n: b\n", "invalid-yaml", 1),
        (b"kind: a\nspec: \xff\n", "invalid-utf8", 2),
    ] {
        let report = check(text);
        assert_eq!(briefs(&report), [format!("error[{code}] module")], "{text:?}: {report:?}");
        assert_eq!(report.findings[0].line(), Some(line), "{text:?}: {report:?}");
    }
    let run = run_with(&["module", "check", "-"], b"kind: a\nspec: \xff\n");
    assert!(run.out.starts_with("error[invalid-utf8]: the module, line 2: "), "{run:?}");
    assert_eq!(run.code, Some(1));
}

#[test]
fn text_that_is_deep_or_large_or_blows_up_is_survived() {
    for deep in ["[".repeat(100_000), "{a: ".repeat(100_000), "- ".repeat(100_000), "? ".repeat(100_000)] {
        assert_eq!(briefs(&check(deep)), ["error[invalid-yaml] module"]);
    }
    let laughs = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n";
    assert!(briefs(&check(laughs)).contains(&"error[alias] 1:d[1]".to_owned()));
    let run = run_check(&"#".repeat(5 * 1024 * 1024));
    assert_eq!((run.code, run.err.as_str()), (Some(1), "error: standard input: 1 error, 0 warnings\n"));
    assert!(run.out.starts_with("error[too-large]: the module, line 1: more than 4194304 bytes\n"), "{run:?}");
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
    assert_eq!(briefs(&check(LEGACY)), ["warning[legacy-format] 1:version"]);
    for (version, code) in [
        ("3.0", "wrong-type"),
        ("\"1.0\"", "outdated-format"),
        ("1.0", "outdated-format"),
        ("\"2.0\"", "outdated-format"),
        ("\"3.1\"", "unknown-format"),
    ] {
        let report = check(LEGACY.replacen("\"3.0\"", version, 1));
        assert_eq!(briefs(&report), [format!("error[{code}] 1:version")], "{version}: {report:?}");
    }
}

#[test]
fn a_module_of_3_0_is_checked_like_any_other() {
    for (from, to, finding) in [
        ("type: remote", "type: embedded", "error[module-not-remote] 1:module.meta.type"),
        ("    type: remote\n", "    name: remote\n", "error[missing-field] 1:module.meta.type"),
        ("    endpoints:\n", "    functions: []\n    endpoints:\n", "error[unknown-field] 1:module.spec.functions"),
        ("kind: http", "kind: grpc", "error[invalid-type-name] 1:module.spec.endpoints[0].endpoint.meta.kind"),
        (
            "            kind: http\n",
            "            name: http\n",
            "error[missing-field] 1:module.spec.endpoints[0].endpoint.meta.kind",
        ),
        ("      - endpoint:", "      - entpoint:", "error[missing-field] 1:module.spec.endpoints[0].endpoint"),
        (
            "              call: 2min\n",
            "              call: 2min\n            transport: {}\n",
            "error[misplaced-transport] 1:module.spec.endpoints[0].endpoint.spec.transport",
        ),
        ("            id: example/ingress\n", "", "error[missing-field] 1:module.spec.ingresses[0].ingress.meta.id"),
        ("id: example/ingress", "id: ingress", "error[invalid-type-name] 1:module.spec.ingresses[0].ingress.meta.id"),
        (
            "- example/router",
            "- example/rooter",
            "error[unknown-target] 1:module.spec.ingresses[0].ingress.spec.topics[0].targets[0]",
        ),
        ("id: example/egress", "id: example/exit", "error[missing-egress] module"),
        (
            "          spec:\n            address: kafka:9092\n            deliverySemantic",
            "          sepc:\n            deliverySemantic",
            "error[missing-field] 1:module.spec.egresses[0].egress.spec",
        ),
    ] {
        assert!(LEGACY.contains(from), "{from:?}");
        let report = check(LEGACY.replacen(from, to, 1));
        assert!(briefs(&report).iter().any(|found| found == finding), "{from:?}: {report:?}");
    }
}

#[test]
fn of_two_keys_the_last_one_holds() {
    assert_findings(
        "  functions: elsewhere/*\n",
        "  functions: nobody\n  functions: elsewhere/*\n",
        &["error[duplicate-key] 3:spec.functions"],
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
        &["error[missing-field] 4:spec.address", "error[missing-field] 4:spec.consumerGroupId"],
    );
}

#[test]
fn an_ingress_finds_its_brokers_and_its_group_among_the_properties_too() {
    let properties = "    - security.protocol: SSL\n";
    let more = format!("{properties}    - bootstrap.servers: kafka:9092\n    - group.id: example\n");
    let module =
        FINE.replacen("  address: kafka:9092\n  consumerGroupId: example\n", "", 1).replacen(properties, &more, 1);
    assert_eq!(briefs(&check(module)), [""; 0]);
}
