//! Ingresses and egresses of Kafka.

use super::support::assert_findings;

#[test]
fn kafka() {
    for (from, to, expected) in [
        (
            "  id: example/ingress\n",
            "",
            &["error: document 4 (io.statefun.kafka.v1/ingress), line 39, spec: id is missing"][..],
        ),
        (
            "id: example/ingress",
            "id: ingress",
            &[
                "error: document 4 (io.statefun.kafka.v1/ingress ingress), line 40, spec.id: \"ingress\" cannot be read as a name: that is two parts with one '/' between them",
            ][..],
        ),
        (
            "  address: kafka:9092\n  consumerGroupId: example\n",
            "  consumerGroupId: example\n",
            &["error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 39, spec: address is missing"][..],
        ),
        (
            "  consumerGroupId: example\n",
            "",
            &[
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 39, spec: consumerGroupId is missing",
            ][..],
        ),
        (
            "  consumerGroupId: example\n",
            "  consumerGroupId: 2024_01\n",
            &[
                "warning: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 42, spec.consumerGroupId: a number where a text is expected",
            ][..],
        ),
        ("  consumerGroupId: example\n", "  consumerGroupId: \"2024_01\"\n", &[][..]),
        ("  consumerGroupId: example\n", "  consumerGroupId: 2024\n", &[][..]),
        ("  consumerGroupId: example\n", "  consumerGroupId: 2024_01_a\n", &[][..]),
        (
            "    - security.protocol: SSL\n---\nkind: io.statefun.kinesis",
            "    - ssl.key.password: 0b11\n---\nkind: io.statefun.kinesis",
            &[
                "warning: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 52, spec.properties[0].ssl.key.password: a number where a text is expected",
            ][..],
        ),
        (
            "autoOffsetResetPosition: earliest",
            "autoOffsetResetPosition: first",
            &[
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 45, spec.autoOffsetResetPosition: \"first\" is unknown",
            ][..],
        ),
        (
            "  startupPosition:\n    type: earliest\n",
            "",
            &[
                "warning: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 39, spec: without startupPosition it is latest",
            ][..],
        ),
        (
            "type: earliest\n  auto",
            "type: latest\n  auto",
            &[
                "warning: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 44, spec.startupPosition.type: it begins at the end",
            ][..],
        ),
        (
            "type: earliest\n  auto",
            "type: oldest\n  auto",
            &[
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 44, spec.startupPosition.type: \"oldest\" is unknown",
            ][..],
        ),
        (
            "type: earliest\n  autoOffsetResetPosition: earliest\n",
            "type: group-offsets\n",
            &[
                "warning: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 44, spec.startupPosition.type: a group without committed offsets begins at autoOffsetResetPosition, which is latest",
            ][..],
        ),
        (
            "type: earliest\n  auto",
            "type: specific-offsets\n  auto",
            &[
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 43, spec.startupPosition: offsets is missing",
            ][..],
        ),
        (
            "type: earliest\n  auto",
            "type: specific-offsets\n    offsets: []\n  auto",
            &[
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 45, spec.startupPosition.offsets: there is no offset",
            ][..],
        ),
        (
            "type: earliest\n  auto",
            "type: specific-offsets\n    offsets:\n      - example-ingress: 5\n  auto",
            &[
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 46, spec.startupPosition.offsets[0]: no offset of a partition",
            ][..],
        ),
        (
            "type: earliest\n  auto",
            "type: date\n  auto",
            &[
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 43, spec.startupPosition: date is missing",
            ][..],
        ),
        (
            "type: earliest\n  auto",
            "type: date\n    date: 2026-01-31\n  auto",
            &[
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 45, spec.startupPosition.date: \"2026-01-31\" is no such date",
            ][..],
        ),
        (
            "type: earliest\n  auto",
            "type: date\n    date: 2026-02-31 08:00:00.000 +0000\n  auto",
            &[
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 45, spec.startupPosition.date: \"2026-02-31 08:00:00.000 +0000\" is no such date",
            ][..],
        ),
        (
            "    - security.protocol: SSL",
            "    security.protocol: SSL",
            &[
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 51, spec.properties: a mapping where a list of properties, each `- name: value` is expected",
            ][..],
        ),
        (
            "    - security.protocol: SSL",
            "    - security.protocol: SSL\n      sasl.mechanism: PLAIN",
            &[
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 53, spec.properties[0].sasl.mechanism: two properties in one item",
            ][..],
        ),
        (
            "    - security.protocol: SSL",
            "    - security.protocol",
            &[
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 52, spec.properties[0]: a text where a property is expected",
            ][..],
        ),
        (
            "    - security.protocol: SSL",
            "    - security.protocol:",
            &[
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 52, spec.properties[0].security.protocol: nothing where the value of a property is expected",
            ][..],
        ),
        (
            "consumerGroupId: example",
            "consumerGroup: x\n  consumerGroupId: example",
            &[
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 42, spec.consumerGroup: there is no such field",
            ][..],
        ),
        (
            "    transactionTimeout: 15 min\n",
            "",
            &[
                "error: document 6 (io.statefun.kafka.v1/egress example/egress), line 81, spec.deliverySemantic: exactly-once without transactionTimeout",
            ][..],
        ),
        (
            "transactionTimeout: 15 min",
            "transactionTimeout: 16 min",
            &[
                "warning: document 6 (io.statefun.kafka.v1/egress example/egress), line 83, spec.deliverySemantic.transactionTimeout: longer than 15 min, which is what a broker allows unless it is told otherwise",
            ][..],
        ),
        (
            "transactionTimeout: 15 min",
            "transactionTimeoutMillis: 900001",
            &[
                "warning: document 6 (io.statefun.kafka.v1/egress example/egress), line 83, spec.deliverySemantic.transactionTimeoutMillis: longer than 15 min, which is what a broker allows unless it is told otherwise",
            ][..],
        ),
        (
            "transactionTimeout: 15 min",
            "transactionTimeout: 0",
            &[
                "error: document 6 (io.statefun.kafka.v1/egress example/egress), line 83, spec.deliverySemantic.transactionTimeout: no time at all",
            ][..],
        ),
        (
            "transactionTimeout: 15 min",
            "transactionTimeout: ever",
            &[
                "error: document 6 (io.statefun.kafka.v1/egress example/egress), line 83, spec.deliverySemantic.transactionTimeout: \"ever\" does not begin with a number; expected a whole number and ms, s, min, h or d, such as 30s or 1 min",
            ][..],
        ),
        (
            "type: at-least-once",
            "type: at-most-once",
            &[
                "error: document 8 (io.statefun.kafka.v1/egress example/dead-letter), line 92, spec.deliverySemantic.type: \"at-most-once\" is unknown",
            ][..],
        ),
        (
            "type: at-least-once",
            "type: none",
            &[
                "warning: document 8 (io.statefun.kafka.v1/egress example/dead-letter), line 92, spec.deliverySemantic.type: nothing is guaranteed",
            ][..],
        ),
        (
            "  address: kafka:9092\n  deliverySemantic:\n    type: exactly-once",
            "  deliverySemantic:\n    type: exactly-once",
            &["error: document 6 (io.statefun.kafka.v1/egress example/egress), line 78, spec: address is missing"][..],
        ),
        (
            "  deliverySemantic:\n    type: at-least-once",
            "  delivery: at-least-once",
            &[
                "error: document 8 (io.statefun.kafka.v1/egress example/dead-letter), line 91, spec.delivery: there is no such field",
            ][..],
        ),
    ] {
        assert_findings(from, to, expected);
    }
}
