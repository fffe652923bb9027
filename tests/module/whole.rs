//! Documents, and all components beside each other and beside the functions.

use statefun_applications::Settings;
use statefun_sdk::{Context, Contract, Function, FunctionError, Message, Registry, TypeName};

use super::support::{FINE, assert_findings, briefs, destinations};

#[test]
fn coverage() {
    for (from, to, expected) in [
        (
            "functions: example/*",
            "functions: example/router",
            &["error[function-without-endpoint] 1:spec.functions", "error[function-without-endpoint] 1:spec.functions"]
                [..],
        ),
        (
            "functions: elsewhere/*",
            "functions: demo/greeeter",
            &[
                "warning[unknown-function] 3:spec.functions",
                "error[target-without-endpoint] 5:spec.streams[0].targets[1]",
            ][..],
        ),
        ("id: example/egress", "id: example/exit", &["error[missing-egress] module"][..]),
        (
            "id: example/dead-letter",
            "id: example/egress",
            &["error[duplicate-component] 8:spec.id", "error[missing-egress] module"][..],
        ),
        ("id: example/ingress", "id: demo/logins", &["error[duplicate-component] 5:spec.id"][..]),
        (
            "kind: io.statefun.kafka.v1/egress\nspec:\n  id: example/egress\n  address: kafka:9092\n  deliverySemantic:\n    type: exactly-once\n    transactionTimeout: 15 min",
            "kind: io.statefun.kinesis.v1/egress\nspec:\n  id: example/egress",
            &["error[egress-connector-mismatch] 6:spec.id"][..],
        ),
    ] {
        assert_findings(from, to, expected);
    }
}

#[test]
fn a_function_sends_to_what_no_endpoint_covers() {
    async fn ignore(_: &mut Context, _: Message) -> Result<(), FunctionError> {
        Ok(())
    }
    for (target, expected) in [
        ("nowhere/function", &["error[send-without-endpoint] 3:spec.functions"][..]),
        ("elsewhere/another", &[]),
        // This server has it, and its namespace has an endpoint.
        ("example/cart", &[]),
    ] {
        let destinations = destinations();
        let sender = Function::new("elsewhere/function").fallback(ignore).sends_to(TypeName::new(target));
        let functions = statefun_applications::all(&destinations, &Settings::default()).into_iter().chain([sender]);
        let registry = Registry::builder().functions(functions).build().unwrap();
        let report = statefun_module::check(FINE.as_bytes(), &Contract::of(&registry));
        assert_eq!(briefs(&report), expected, "{target}: {report:?}");
    }
}

#[test]
fn documents() {
    for (from, to, expected) in [
        (
            "kind: io.statefun.kafka.v1/ingress",
            "kind: io.statefun.kafka.v1.ingress",
            &["error[invalid-type-name] 4:kind"][..],
        ),
        ("kind: io.statefun.kafka.v1/ingress", "kind: io.statefun.kafka/ingress", &["error[unknown-kind] 4:kind"][..]),
        (
            "kind: io.statefun.endpoints.v1/http",
            "kind: http",
            &["error[invalid-type-name] 3:kind", "error[target-without-endpoint] 5:spec.streams[0].targets[1]"][..],
        ),
        (
            "kind: io.statefun.endpoints.v1/http\n",
            "",
            &["error[missing-field] 3:kind", "error[target-without-endpoint] 5:spec.streams[0].targets[1]"][..],
        ),
        (
            "kind: io.statefun.endpoints.v1/http\n",
            "kind: io.statefun.endpoints.v1/http\nmeta: {}\n",
            &["error[unknown-field] 3:meta"][..],
        ),
        (
            "kind: io.statefun.endpoints.v1/http\n",
            "kind: io.statefun.endpoints.v1/http\nversion: \"3.0\"\n",
            &["error[version-in-current-format] 3:version"][..],
        ),
        ("# An empty document is passed over.\n", "- a list\n", &["error[wrong-type] 7"][..]),
        ("# An empty document is passed over.\n", "a text\n", &["error[wrong-type] 7"][..]),
        (
            "# An empty document is passed over.\n",
            "kind: io.statefun.playground.v1/egress\nspec:\n  port: 8091\n",
            &["warning[playground-kind] 7:kind"][..],
        ),
        (
            "# An empty document is passed over.\n",
            "kind: io.statefun.kafka.v1/egress\nspec: egress\n",
            &["error[wrong-type] 7:spec"][..],
        ),
        (
            "kafka:9092\n  consumerGroupId: example\n",
            "&kafka kafka:9092\n  consumerGroupId: *kafka\n",
            &["error[alias] 4:spec.consumerGroupId"][..],
        ),
    ] {
        assert_findings(from, to, expected);
    }
}
