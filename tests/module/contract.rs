//! What `contract` prints, and what `contract check` makes of an older release's.

use serde_json::{Value, json};

use super::support::{Run, run};

fn contract() -> Value {
    let run = run(&["contract"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    serde_json::from_str(&run.out).unwrap()
}

/// Compares with a release whose contract was this.
fn check(old: &str) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.json");
    std::fs::write(&path, old).unwrap();
    run(&["contract", "check", path.to_str().unwrap()])
}

/// Compares with a release whose contract was ours but for one thing.
fn check_changed(change: impl FnOnce(&mut Value)) -> Run {
    let mut old = contract();
    change(&mut old);
    check(&old.to_string())
}

#[test]
fn it_is_complete_and_always_the_same() {
    let old = contract();
    assert_eq!(old["format"], json!(2));
    let functions: Vec<&String> = old["functions"].as_object().unwrap().keys().collect();
    assert_eq!(
        functions,
        [
            "demo/greeter",
            "example/cart",
            "example/product",
            "example/router",
            "shopping-cart-example/cart",
            "shopping-cart-example/inventory",
            "ververica/counter",
            "ververica/merchant",
            "ververica/model",
            "ververica/threshold",
            "ververica/transaction-manager",
        ]
    );
    assert_eq!(
        old["functions"]["demo/greeter"],
        json!({
            "states": { "seen": { "type": "io.statefun.types/int", "expiration": null } },
            "accepts": ["demo/login"],
            "targets": [],
            "sends": {},
            "replies": false,
            "egresses": { "demo/dead-letter": "kafka", "demo/greetings": "kafka" },
            "on_failure": {
                "policy": "dead-letter", "egress": "demo/dead-letter", "destination": "kafka:demo-dead-letter"
            },
            "on_unexpected_type": "dead-letter",
        })
    );
    assert_eq!(
        old["functions"]["shopping-cart-example/inventory"],
        json!({
            "states": {
                "in_stock": { "type": "com.googleapis/NumInStock", "expiration": null },
                "reserved": { "type": "com.googleapis/NumReserved", "expiration": null },
            },
            "accepts": ["com.googleapis/RequestItem", "com.googleapis/RestockItem"],
            "targets": [],
            "sends": {},
            "replies": true,
            "egresses": { "shopping-cart-example/dead-letter": "kafka" },
            "on_failure": {
                "policy": "dead-letter",
                "egress": "shopping-cart-example/dead-letter",
                "destination": "kafka:shopping-cart-example-dead-letter",
            },
            "on_unexpected_type": "dead-letter",
        })
    );
    assert_eq!(
        old["functions"]["shopping-cart-example/cart"]["states"],
        json!({ "cart_items": { "type": "com.googleapis/ItemsInCart", "expiration": null } })
    );
    assert_eq!(
        old["functions"]["ververica/merchant"]["states"],
        json!({
            "merchant_score": {
                "type": "io.statefun.types/int",
                "expiration": { "after": "write", "milliseconds": 3_600_000 },
            },
        })
    );
    assert_eq!(
        old["functions"]["ververica/transaction-manager"]["states"],
        json!({
            "transaction": { "type": "com.googleapis/workshop.Transaction", "expiration": null },
            "fraud_count": { "type": "io.statefun.types/int", "expiration": null },
            "merchant_score": { "type": "io.statefun.types/int", "expiration": null },
            "threshold": { "type": "com.googleapis/workshop.AskedThreshold", "expiration": null },
        })
    );
    assert_eq!(run(&["contract"]).out, run(&["contract"]).out);
}

#[test]
fn options_that_decide_about_states_are_in_the_contract() {
    let expiring = run(&["contract", "--score-ttl", "2h"]).out;
    let expiring: Value = serde_json::from_str(&expiring).unwrap();
    let score = &expiring["functions"]["ververica/merchant"]["states"]["merchant_score"];
    assert_eq!(score["expiration"]["milliseconds"], json!(7_200_000));
}

#[test]
fn a_release_keeps_its_own_promises() {
    let run = check(&contract().to_string());
    assert_eq!(run.code, Some(0));
    assert!(run.out.ends_with("old.json: fine, nothing has changed\n"), "{run:?}");
}

#[test]
fn custom_thresholds_can_be_added_but_not_taken_away() {
    let with = contract();
    let without = run(&["contract", "--custom-thresholds", "false"]).out;
    assert!(!without.contains("ververica/threshold\""), "{without}");
    assert!(!without.contains("workshop.AskedThreshold"), "{without}");
    let added = check(&without);
    assert_eq!(added.code, Some(0), "{added:?}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.json");
    std::fs::write(&path, with.to_string()).unwrap();
    let gone = run(&["contract", "--custom-thresholds", "false", "check", path.to_str().unwrap()]);
    assert_eq!(gone.code, Some(1), "{gone:?}");
    assert!(gone.out.contains("error[function-removed]: ververica/threshold: "), "{gone:?}");
}

/// What is found, without its wording; the exit code is the program's own.
fn found(run: &Run) -> Vec<&str> {
    let heads = run.out.lines().filter(|line| !line.starts_with(' ') && line.contains("]: "));
    heads.map(|line| line.rsplit_once(": ").unwrap().0).collect()
}

#[test]
fn what_a_job_cannot_live_with_fails() {
    let type_changed = check_changed(|old| {
        old["functions"]["demo/greeter"]["states"]["seen"]["type"] = json!("io.statefun.types/long")
    });
    assert_eq!(type_changed.code, Some(1));
    assert_eq!(found(&type_changed), ["error[state-type-changed]: demo/greeter, state seen"]);
    assert!(type_changed.err.ends_with("1 incompatible change\n"), "{type_changed:?}");

    let toggled = check_changed(|old| {
        old["functions"]["demo/greeter"]["states"]["seen"]["expiration"] =
            json!({ "after": "call", "milliseconds": 5000 })
    });
    assert_eq!(toggled.code, Some(1));
    // The only test of the wording.
    assert_eq!(
        toggled.out,
        "error[expiration-toggled]: demo/greeter, state seen: its expiration was 5000 ms after the last call, and is never\n  \
         on the cluster: Flink cannot restore a state with an expiration as one without, or the reverse: the job fails at \
         every restart\n  to do: add a state with another name and migrate on read\n\n"
    );

    let gone = check_changed(|old| {
        for gone in ["demo/gone", "example/gone"] {
            old["functions"][gone] = old["functions"]["demo/greeter"].clone();
        }
    });
    assert_eq!(gone.code, Some(1));
    assert_eq!(found(&gone), ["error[function-removed]: demo/gone", "error[function-removed]: example/gone"]);
    assert!(gone.err.ends_with("2 incompatible changes\n"), "{gone:?}");
}

#[test]
fn what_the_cluster_does_not_do_as_told_is_a_warning() {
    type Change = (fn(&mut Value), &'static [&'static str]);

    let changes: [Change; 7] = [
        (
            |greeter| greeter["states"]["gone"] = json!({ "type": "io.statefun.types/int", "expiration": null }),
            &["warning[state-removed]: demo/greeter, state gone"],
        ),
        (|greeter| greeter["accepts"] = json!(["demo/login", "demo/logout"]), &["warning[type-removed]: demo/greeter"]),
        (|greeter| greeter["accepts"] = json!([]), &["warning[type-removed]: demo/greeter"]),
        (
            |greeter| greeter["egresses"] = json!({ "demo/greetings": "kafka" }),
            &["warning[egress-added]: demo/greeter"],
        ),
        (
            |greeter| greeter["egresses"]["demo/greetings"] = json!("kinesis"),
            &["warning[connector-changed]: demo/greeter"],
        ),
        (|greeter| greeter["targets"] = json!(["demo/other"]), &[]),
        (|greeter| greeter["states"] = json!({}), &["note[state-added]: demo/greeter, state seen"]),
    ];
    for (change, expected) in changes {
        let run = check_changed(|old| change(&mut old["functions"]["demo/greeter"]));
        assert_eq!((run.code, found(&run)), (Some(0), expected.to_vec()), "{run:?}");
    }
    let added = check_changed(|old| old["functions"]["example/cart"]["targets"] = json!([]));
    assert_eq!(found(&added), ["warning[target-added]: example/cart"]);
    let longer = check_changed(|old| {
        old["functions"]["ververica/merchant"]["states"]["merchant_score"]["expiration"]["milliseconds"] = json!(5)
    });
    assert_eq!(found(&longer), ["warning[expiration-changed]: ververica/merchant, state merchant_score"]);
}

#[test]
fn a_new_function_is_fine() {
    let run = check_changed(|old| {
        old["functions"].as_object_mut().unwrap().remove("demo/greeter");
    });
    assert_eq!((run.code, found(&run)), (Some(0), vec!["note[function-added]: demo/greeter"]));
}

#[test]
fn changes_are_data_for_scripts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.json");
    let mut old = contract();
    old["functions"]["demo/gone"] = old["functions"]["demo/greeter"].clone();
    std::fs::write(&path, old.to_string()).unwrap();
    let run = run(&["contract", "check", path.to_str().unwrap(), "--json"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let report: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((&report["errors"], &report["findings"][0]["code"]), (&json!(1), &json!("function-removed")));
    assert_eq!(report["findings"][0]["place"], json!("demo/gone"));
}

#[test]
fn what_is_no_contract_is_refused() {
    for (text, reason) in [
        ("", "expected what a server returns at GET /"),
        ("[]", "expected what a server returns at GET /"),
        ("{\"format\": 2}", "missing field `functions`"),
        ("{\"format\": 3}", "format 3, and this release reads format 2"),
    ] {
        let run = check(text);
        assert_eq!(run.code, Some(1), "{text}");
        assert!(run.err.contains(reason), "{text}: {run:?}");
    }
    let run = run(&["contract", "check", "no/such.json"]);
    assert!(run.err.starts_with("error: no/such.json: "), "{run:?}");
}
