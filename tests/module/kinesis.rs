//! Ingresses and egresses of Kinesis.

use super::support::assert_findings;

#[test]
fn kinesis() {
    for (from, to, expected) in [
        (
            "endpoint: https://localhost",
            "endpoint: http://localhost",
            &[
                "error: document 5 (io.statefun.kinesis.v1/ingress demo/logins), line 59, spec.awsRegion.endpoint: an endpoint of one's own must be https",
            ][..],
        ),
        (
            "    id: eu-central-1\n  awsCredentials:\n    type: basic",
            "  awsCredentials:\n    type: basic",
            &["error: document 5 (io.statefun.kinesis.v1/ingress demo/logins), line 57, spec.awsRegion: id is missing"]
                [..],
        ),
        (
            "type: custom-endpoint",
            "type: custom",
            &[
                "error: document 5 (io.statefun.kinesis.v1/ingress demo/logins), line 58, spec.awsRegion.type: \"custom\" is unknown",
            ][..],
        ),
        (
            "    type: custom-endpoint\n",
            "",
            &[
                "error: document 5 (io.statefun.kinesis.v1/ingress demo/logins), line 57, spec.awsRegion: type is missing",
            ][..],
        ),
        (
            "    secretAccessKey: example\n",
            "",
            &[
                "error: document 5 (io.statefun.kinesis.v1/ingress demo/logins), line 61, spec.awsCredentials: secretAccessKey is missing",
            ][..],
        ),
        (
            "type: basic",
            "type: specific",
            &[
                "error: document 5 (io.statefun.kinesis.v1/ingress demo/logins), line 62, spec.awsCredentials.type: \"specific\" is unknown",
            ][..],
        ),
        (
            "type: specific",
            "type: default",
            &[
                "error: document 9 (io.statefun.kinesis.v1/egress demo/greetings), line 101, spec.awsRegion.id: there is no such field",
            ][..],
        ),
        (
            "    type: date\n    date: 2026-01-31 08:00:00.000 +0000\n",
            "    type: group-offsets\n",
            &[
                "error: document 5 (io.statefun.kinesis.v1/ingress demo/logins), line 66, spec.startupPosition.type: \"group-offsets\" is unknown",
            ][..],
        ),
        (
            "  startupPosition:\n    type: date\n    date: 2026-01-31 08:00:00.000 +0000\n",
            "",
            &[
                "warning: document 5 (io.statefun.kinesis.v1/ingress demo/logins), line 55, spec: without startupPosition it is latest",
            ][..],
        ),
        (
            "date: 2026-01-31 08:00:00.000 +0000",
            "date: 2026-01-31 08:00:00.000 +00:00",
            &[
                "error: document 5 (io.statefun.kinesis.v1/ingress demo/logins), line 67, spec.startupPosition.date: \"2026-01-31 08:00:00.000 +00:00\" is no such date",
            ][..],
        ),
        (
            "maxOutstandingRecords: 1000",
            "maxOutstandingRecords: 0",
            &[
                "error: document 9 (io.statefun.kinesis.v1/egress demo/greetings), line 106, spec.maxOutstandingRecords: no record may be under way",
            ][..],
        ),
        (
            "maxOutstandingRecords: 1000",
            "maxRecords: 1000",
            &[
                "error: document 9 (io.statefun.kinesis.v1/egress demo/greetings), line 106, spec.maxRecords: there is no such field",
            ][..],
        ),
        (
            "    - SocketTimeout: 9999",
            "    SocketTimeout: 9999",
            &[
                "error: document 5 (io.statefun.kinesis.v1/ingress demo/logins), line 74, spec.clientConfigProperties: a mapping where a list of properties, each `- name: value` is expected",
            ][..],
        ),
        (
            "  streams:",
            "  topics:",
            &[
                "error: document 5 (io.statefun.kinesis.v1/ingress demo/logins), line 55, spec: streams is missing",
                "error: document 5 (io.statefun.kinesis.v1/ingress demo/logins), line 68, spec.topics: there is no such field",
            ][..],
        ),
    ] {
        assert_findings(from, to, expected);
    }
}
