//! Documents, and all components beside each other and beside the functions.

use super::support::assert_findings;

#[test]
fn coverage() {
    for (from, to, expected) in [
        (
            "functions: example/*",
            "functions: example/router",
            &[
                "error: document 1 (io.statefun.endpoints.v2/http example/router), line 3, spec.functions: no endpoint covers example/product, though others of its namespace have one",
                "error: document 1 (io.statefun.endpoints.v2/http example/router), line 3, spec.functions: no endpoint covers example/cart, though others of its namespace have one",
            ][..],
        ),
        (
            "functions: elsewhere/*",
            "functions: demo/greeeter",
            &[
                "warning: document 3 (io.statefun.endpoints.v1/http demo/greeeter), line 32, spec.functions: this server has no function demo/greeeter",
                "error: document 5 (io.statefun.kinesis.v1/ingress demo/logins), line 73, spec.streams[0].targets[1]: no endpoint covers elsewhere/function",
            ][..],
        ),
        (
            "id: example/egress",
            "id: example/exit",
            &["error: the module: egress example/egress is not declared, but used by example/cart"][..],
        ),
        (
            "id: example/dead-letter",
            "id: example/egress",
            &[
                "error: document 8 (io.statefun.kafka.v1/egress example/egress), line 89, spec.id: egress example/egress is there already, in document 6",
                "error: the module: egress example/dead-letter is not declared, but used by example/router, example/product, example/cart",
            ][..],
        ),
        (
            "id: example/ingress",
            "id: demo/logins",
            &[
                "error: document 5 (io.statefun.kinesis.v1/ingress demo/logins), line 56, spec.id: ingress demo/logins is there already, in document 4",
            ][..],
        ),
        (
            "kind: io.statefun.kafka.v1/egress\nspec:\n  id: example/egress\n  address: kafka:9092\n  deliverySemantic:\n    type: exactly-once\n    transactionTimeout: 15 min",
            "kind: io.statefun.kinesis.v1/egress\nspec:\n  id: example/egress",
            &[
                "error: document 6 (io.statefun.kinesis.v1/egress example/egress), line 79, spec.id: records of kafka come from example/cart, but it is of kinesis",
            ][..],
        ),
    ] {
        assert_findings(from, to, expected);
    }
}

#[test]
fn documents() {
    for (from, to, expected) in [
        (
            "kind: io.statefun.kafka.v1/ingress",
            "kind: io.statefun.kafka.v1.ingress",
            &[
                "error: document 4 (io.statefun.kafka.v1.ingress example/ingress), line 38, kind: \"io.statefun.kafka.v1.ingress\" cannot be read as a name: that is two parts with one '/' between them",
            ][..],
        ),
        (
            "kind: io.statefun.kafka.v1/ingress",
            "kind: io.statefun.kafka/ingress",
            &[
                "error: document 4 (io.statefun.kafka/ingress example/ingress), line 38, kind: the stock runtime has no kind \"io.statefun.kafka/ingress\"",
            ][..],
        ),
        (
            "kind: io.statefun.endpoints.v1/http",
            "kind: http",
            &[
                "error: document 3 (http elsewhere/*), line 30, kind: \"http\" cannot be read as a name: that is two parts with one '/' between them",
                "error: document 5 (io.statefun.kinesis.v1/ingress demo/logins), line 73, spec.streams[0].targets[1]: no endpoint covers elsewhere/function",
            ][..],
        ),
        (
            "kind: io.statefun.endpoints.v1/http\n",
            "",
            &[
                "error: document 3, line 30: kind is missing",
                "error: document 5 (io.statefun.kinesis.v1/ingress demo/logins), line 72, spec.streams[0].targets[1]: no endpoint covers elsewhere/function",
            ][..],
        ),
        (
            "kind: io.statefun.endpoints.v1/http\n",
            "kind: io.statefun.endpoints.v1/http\nmeta: {}\n",
            &["error: document 3 (io.statefun.endpoints.v1/http elsewhere/*), line 31, meta: there is no such field"][..],
        ),
        (
            "kind: io.statefun.endpoints.v1/http\n",
            "kind: io.statefun.endpoints.v1/http\nversion: \"3.0\"\n",
            &[
                "error: document 3 (io.statefun.endpoints.v1/http elsewhere/*), line 31, version: a version is that of the old format, which is one document alone",
            ][..],
        ),
        (
            "# An empty document is passed over.\n",
            "- a list\n",
            &["error: document 7, line 85: a list where a mapping of kind and spec is expected"][..],
        ),
        (
            "# An empty document is passed over.\n",
            "a text\n",
            &["error: document 7, line 85: a text where a mapping of kind and spec is expected"][..],
        ),
        (
            "# An empty document is passed over.\n",
            "kind: io.statefun.playground.v1/egress\nspec:\n  port: 8091\n",
            &["warning: document 7 (io.statefun.playground.v1/egress), line 85, kind: this kind is the playground's"][..],
        ),
        (
            "# An empty document is passed over.\n",
            "kind: io.statefun.kafka.v1/egress\nspec: egress\n",
            &["error: document 7 (io.statefun.kafka.v1/egress), line 86, spec: a text where a mapping is expected"][..],
        ),
        (
            "kafka:9092\n  consumerGroupId: example\n",
            "&kafka kafka:9092\n  consumerGroupId: *kafka\n",
            &[
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 42, spec.consumerGroupId: aliases are not resolved",
            ][..],
        ),
    ] {
        assert_findings(from, to, expected);
    }
}
