//! Ingresses and egresses of Kafka.

use super::support::assert_findings;

#[test]
fn kafka() {
    for (from, to, expected) in [
        ("  id: example/ingress\n", "", &["error[missing-field] 4:spec.id"][..]),
        ("id: example/ingress", "id: ingress", &["error[invalid-type-name] 4:spec.id"][..]),
        (
            "  address: kafka:9092\n  consumerGroupId: example\n",
            "  consumerGroupId: example\n",
            &["error[missing-field] 4:spec.address"][..],
        ),
        ("  consumerGroupId: example\n", "", &["error[missing-field] 4:spec.consumerGroupId"][..]),
        (
            "  consumerGroupId: example\n",
            "  consumerGroupId: 2024_01\n",
            &["warning[number-as-text] 4:spec.consumerGroupId"][..],
        ),
        ("  consumerGroupId: example\n", "  consumerGroupId: \"2024_01\"\n", &[][..]),
        ("  consumerGroupId: example\n", "  consumerGroupId: 2024\n", &[][..]),
        ("  consumerGroupId: example\n", "  consumerGroupId: 2024_01_a\n", &[][..]),
        (
            "    - security.protocol: SSL\n---\nkind: io.statefun.kinesis",
            "    - ssl.key.password: 0b11\n---\nkind: io.statefun.kinesis",
            &["warning[number-as-text] 4:spec.properties[0].ssl.key.password"][..],
        ),
        (
            "autoOffsetResetPosition: earliest",
            "autoOffsetResetPosition: first",
            &["error[unknown-value] 4:spec.autoOffsetResetPosition"][..],
        ),
        ("  startupPosition:\n    type: earliest\n", "", &["warning[startup-position-default] 4:spec"][..]),
        (
            "type: earliest\n  auto",
            "type: latest\n  auto",
            &["warning[startup-position-latest] 4:spec.startupPosition.type"][..],
        ),
        ("type: earliest\n  auto", "type: oldest\n  auto", &["error[unknown-value] 4:spec.startupPosition.type"][..]),
        (
            "type: earliest\n  autoOffsetResetPosition: earliest\n",
            "type: group-offsets\n",
            &["warning[startup-position-group-offsets] 4:spec.startupPosition.type"][..],
        ),
        (
            "type: earliest\n  auto",
            "type: specific-offsets\n  auto",
            &["error[missing-field] 4:spec.startupPosition.offsets"][..],
        ),
        (
            "type: earliest\n  auto",
            "type: specific-offsets\n    offsets: []\n  auto",
            &["error[empty-list] 4:spec.startupPosition.offsets"][..],
        ),
        (
            "type: earliest\n  auto",
            "type: specific-offsets\n    offsets:\n      - example-ingress: 5\n  auto",
            &["error[invalid-offset] 4:spec.startupPosition.offsets[0]"][..],
        ),
        ("type: earliest\n  auto", "type: date\n  auto", &["error[missing-field] 4:spec.startupPosition.date"][..]),
        (
            "type: earliest\n  auto",
            "type: date\n    date: 2026-01-31\n  auto",
            &["error[invalid-date] 4:spec.startupPosition.date"][..],
        ),
        (
            "type: earliest\n  auto",
            "type: date\n    date: 2026-02-31 08:00:00.000 +0000\n  auto",
            &["error[invalid-date] 4:spec.startupPosition.date"][..],
        ),
        ("    - security.protocol: SSL", "    security.protocol: SSL", &["error[wrong-type] 4:spec.properties"][..]),
        (
            "    - security.protocol: SSL",
            "    - security.protocol: SSL\n      sasl.mechanism: PLAIN",
            &["error[two-properties] 4:spec.properties[0].sasl.mechanism"][..],
        ),
        ("    - security.protocol: SSL", "    - security.protocol", &["error[wrong-type] 4:spec.properties[0]"][..]),
        (
            "    - security.protocol: SSL",
            "    - security.protocol:",
            &["error[invalid-property-value] 4:spec.properties[0].security.protocol"][..],
        ),
        (
            "consumerGroupId: example",
            "consumerGroup: x\n  consumerGroupId: example",
            &["error[unknown-field] 4:spec.consumerGroup"][..],
        ),
        (
            "    - security.protocol: SSL",
            "    - security.protocol: sasl_ssl",
            &["warning[sasl-without-jaas-config] 4:spec.properties"][..],
        ),
        (
            "    - security.protocol: SSL",
            "    - security.protocol: SASL_SSL\n    - sasl.jaas.config: org.example.Login required;",
            &[][..],
        ),
        (
            "transactionTimeout: 15 min\n",
            "transactionTimeout: 15 min\n  properties:\n    - acks: 1\n",
            &["error[exactly-once-acks] 6:spec.properties"][..],
        ),
        ("transactionTimeout: 15 min\n", "transactionTimeout: 15 min\n  properties:\n    - acks: all\n", &[][..]),
        ("    transactionTimeout: 15 min\n", "", &["error[exactly-once-without-timeout] 6:spec.deliverySemantic"][..]),
        (
            "transactionTimeout: 15 min",
            "transactionTimeout: 16 min",
            &["warning[long-transaction-timeout] 6:spec.deliverySemantic.transactionTimeout"][..],
        ),
        (
            "transactionTimeout: 15 min",
            "transactionTimeoutMillis: 900001",
            &["warning[long-transaction-timeout] 6:spec.deliverySemantic.transactionTimeoutMillis"][..],
        ),
        (
            "transactionTimeout: 15 min",
            "transactionTimeout: 0",
            &["error[zero-duration] 6:spec.deliverySemantic.transactionTimeout"][..],
        ),
        (
            "transactionTimeout: 15 min",
            "transactionTimeout: ever",
            &["error[invalid-duration] 6:spec.deliverySemantic.transactionTimeout"][..],
        ),
        ("type: at-least-once", "type: at-most-once", &["error[unknown-value] 8:spec.deliverySemantic.type"][..]),
        ("type: at-least-once", "type: none", &["warning[no-delivery-guarantee] 8:spec.deliverySemantic.type"][..]),
        (
            "  address: kafka:9092\n  deliverySemantic:\n    type: exactly-once",
            "  deliverySemantic:\n    type: exactly-once",
            &["error[missing-field] 6:spec.address"][..],
        ),
        (
            "  deliverySemantic:\n    type: at-least-once",
            "  delivery: at-least-once",
            &["error[unknown-field] 8:spec.delivery"][..],
        ),
    ] {
        assert_findings(from, to, expected);
    }
}
