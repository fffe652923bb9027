//! What `contract` prints, and what `contract check` makes of an older release's.

use serde_json::{Value, json};
use statefun_server::contract::comparison::Comparison;

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
    assert_eq!(old["format"], json!(1));
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
            "egresses": ["demo/dead-letter", "demo/greetings"],
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
            "egresses": ["shopping-cart-example/dead-letter"],
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
fn a_release_keeps_its_own_promises() {
    let run = check(&contract().to_string());
    assert_eq!((run.code, run.out.as_str()), (Some(0), "fine: nothing has changed\n"));
}

#[test]
fn custom_thresholds_can_be_added_but_not_taken_away() {
    let with = contract();
    let without = run(&["contract", "--custom-thresholds", "false"]).out;
    assert!(!without.contains("ververica/threshold"), "{without}");
    assert!(!without.contains("workshop.AskedThreshold"), "{without}");
    let added = check(&without);
    assert_eq!(added.code, Some(0), "{added:?}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.json");
    std::fs::write(&path, with.to_string()).unwrap();
    let gone = run(&["contract", "--custom-thresholds", "false", "check", path.to_str().unwrap()]);
    assert_eq!(gone.code, Some(1), "{gone:?}");
    assert!(gone.out.contains("error: function ververica/threshold is gone: "), "{gone:?}");
}

#[test]
fn what_a_job_cannot_live_with_fails() {
    let run = check_changed(|old| {
        old["functions"]["demo/greeter"]["states"]["seen"]["type"] = json!("io.statefun.types/long")
    });
    assert_eq!(run.code, Some(1));
    assert!(
        run.out.starts_with(
            "error: state seen of demo/greeter was of type io.statefun.types/long, and is of io.statefun.types/int: "
        ),
        "{run:?}"
    );
    assert!(run.err.ends_with("1 incompatible change in this release\n"), "{run:?}");

    let run = check_changed(|old| {
        old["functions"]["demo/greeter"]["states"]["seen"]["expiration"] =
            json!({ "after": "call", "milliseconds": 5000 })
    });
    assert_eq!(run.code, Some(1));
    assert_eq!(
        run.out,
        "error: state seen of demo/greeter: expires 5000 ms after the last call, and now never expires: Flink cannot \
         restore a state with an expiration as one without, or the reverse, so the job fails at every restart. Add a state \
         with another name and migrate on read\n"
    );

    let run = check_changed(|old| {
        for gone in ["demo/gone", "example/gone"] {
            old["functions"][gone] = old["functions"]["demo/greeter"].clone();
        }
    });
    assert_eq!(run.code, Some(1));
    assert!(run.out.starts_with("error: function demo/gone is gone: "), "{run:?}");
    assert!(run.err.ends_with("2 incompatible changes in this release\n"), "{run:?}");
}

#[test]
fn what_the_cluster_does_not_do_as_told_is_a_warning() {
    let mut old = contract();
    let seen = |contract: &mut Value, milliseconds| {
        contract["functions"]["demo/greeter"]["states"]["seen"]["expiration"] =
            json!({ "after": "call", "milliseconds": milliseconds });
        serde_json::from_value(contract.clone()).unwrap()
    };
    let comparison = Comparison::new(&seen(&mut old, 5000), &seen(&mut old, 7000));
    assert_eq!(
        comparison.to_string(),
        "warning: state seen of demo/greeter: expires 5000 ms after the last call, and now expires 7000 ms after the last \
         call: the running job ignores that until it restarts\n"
    );

    type Change = (fn(&mut Value), &'static str);

    let changes: [Change; 6] = [
        (
            |greeter| greeter["states"]["gone"] = json!({ "type": "io.statefun.types/int", "expiration": null }),
            "warning: state gone of demo/greeter is gone: its values stay in the savepoints",
        ),
        (
            |greeter| greeter["accepts"] = json!(["demo/login", "demo/logout"]),
            "warning: demo/greeter no longer accepts demo/logout: ",
        ),
        (|greeter| greeter["accepts"] = json!([]), "warning: demo/greeter accepts demo/login only: "),
        (
            |greeter| greeter["egresses"] = json!(["demo/greetings"]),
            "warning: demo/greeter emits to demo/dead-letter, which is new: ",
        ),
        (|greeter| greeter["targets"] = json!(["demo/other"]), "fine: nothing has changed"),
        (|greeter| greeter["states"] = json!({}), "fine: state seen of demo/greeter is new: "),
    ];
    for (change, text) in changes {
        let run = check_changed(|old| change(&mut old["functions"]["demo/greeter"]));
        assert!(run.out.starts_with(text), "{text}: {run:?}");
        assert_eq!((run.code, run.out.lines().count()), (Some(0), 1), "{text}: {run:?}");
    }
    let run = check_changed(|old| old["functions"]["example/cart"]["targets"] = json!([]));
    assert!(run.out.starts_with("warning: example/cart sends to example/product, which is new: "), "{run:?}");
}

#[test]
fn a_new_function_is_fine() {
    let run = check_changed(|old| {
        old["functions"].as_object_mut().unwrap().remove("demo/greeter");
    });
    assert_eq!(run.code, Some(0));
    assert!(run.out.starts_with("fine: function demo/greeter is new: "), "{run:?}");
}

#[test]
fn what_is_no_contract_is_refused() {
    for (text, reason) in [
        ("", "expected the output of `statefun-server contract`"),
        ("[]", "expected the output of `statefun-server contract`"),
        ("{\"format\": 1}", "missing field `functions`"),
        ("{\"format\": 2}", "unknown format 2; this release supports format 1"),
    ] {
        let run = check(text);
        assert_eq!(run.code, Some(1), "{text}");
        assert!(run.err.contains(reason), "{text}: {run:?}");
    }
    let run = run(&["contract", "check", "no/such.json"]);
    assert!(run.err.starts_with("error: no/such.json: "), "{run:?}");
}
