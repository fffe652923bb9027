//! Ingresses and egresses of Kinesis.

use super::support::assert_findings;

#[test]
fn kinesis() {
    for (from, to, expected) in [
        (
            "endpoint: https://localhost",
            "endpoint: http://localhost",
            &["error[kinesis-endpoint-without-https] 5:spec.awsRegion.endpoint"][..],
        ),
        (
            "    id: eu-central-1\n  awsCredentials:\n    type: basic",
            "  awsCredentials:\n    type: basic",
            &["error[missing-field] 5:spec.awsRegion.id"][..],
        ),
        ("type: custom-endpoint", "type: custom", &["error[unknown-value] 5:spec.awsRegion.type"][..]),
        ("    type: custom-endpoint\n", "", &["error[missing-field] 5:spec.awsRegion.type"][..]),
        ("    secretAccessKey: example\n", "", &["error[missing-field] 5:spec.awsCredentials.secretAccessKey"][..]),
        ("type: basic", "type: specific", &["error[unknown-value] 5:spec.awsCredentials.type"][..]),
        ("type: specific", "type: default", &["error[unknown-field] 9:spec.awsRegion.id"][..]),
        (
            "    type: date\n    date: 2026-01-31 08:00:00.000 +0000\n",
            "    type: group-offsets\n",
            &["error[unknown-value] 5:spec.startupPosition.type"][..],
        ),
        (
            "  startupPosition:\n    type: date\n    date: 2026-01-31 08:00:00.000 +0000\n",
            "",
            &["warning[startup-position-default] 5:spec"][..],
        ),
        (
            "date: 2026-01-31 08:00:00.000 +0000",
            "date: 2026-01-31 08:00:00.000 +00:00",
            &["error[invalid-date] 5:spec.startupPosition.date"][..],
        ),
        (
            "maxOutstandingRecords: 1000",
            "maxOutstandingRecords: 0",
            &["error[number-below-one] 9:spec.maxOutstandingRecords"][..],
        ),
        ("maxOutstandingRecords: 1000", "maxRecords: 1000", &["error[unknown-field] 9:spec.maxRecords"][..]),
        (
            "    - SocketTimeout: 9999",
            "    SocketTimeout: 9999",
            &["error[wrong-type] 5:spec.clientConfigProperties"][..],
        ),
        (
            "  streams:\n    - stream: demo-logins\n      valueType: demo/login\n      targets:\n        - demo/greeter\n        - elsewhere/function\n",
            "  streams: []\n",
            &["error[empty-list] 5:spec.streams"][..],
        ),
        ("  streams:", "  topics:", &["error[missing-field] 5:spec.streams", "error[unknown-field] 5:spec.topics"][..]),
    ] {
        assert_findings(from, to, expected);
    }
}
