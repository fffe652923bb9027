//! Topics and streams: types and targets.

use super::support::assert_findings;

#[test]
fn routes() {
    for (from, to, expected) in [
        (
            "        - example/router\n",
            "        - example/rooter\n",
            &[
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 50, spec.topics[0].targets[0]: this server has no function example/rooter",
            ][..],
        ),
        (
            "        - example/router\n",
            "        - other/router\n",
            &[
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 50, spec.topics[0].targets[0]: no endpoint covers other/router",
            ][..],
        ),
        (
            "        - example/router\n",
            "        - router\n",
            &[
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 50, spec.topics[0].targets[0]: \"router\" cannot be read as a name: that is two parts with one '/' between them",
            ][..],
        ),
        (
            "        - example/router\n",
            "        - example/*\n",
            &[
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 50, spec.topics[0].targets[0]: a target is one function, not a pattern",
            ][..],
        ),
        (
            "      targets:\n        - example/router\n",
            "      targets: []\n",
            &[
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 49, spec.topics[0].targets: nobody gets these records",
            ][..],
        ),
        (
            "      targets:\n        - example/router\n",
            "",
            &[
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 47, spec.topics[0]: targets is missing",
            ][..],
        ),
        (
            "      valueType: example/cloudevent\n",
            "",
            &[
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 47, spec.topics[0]: valueType is missing",
            ][..],
        ),
        (
            "valueType: example/cloudevent",
            "valueType: example/event",
            &[
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 48, spec.topics[0].valueType: example/router does not accept example/event",
            ][..],
        ),
        (
            "valueType: example/cloudevent",
            "valueType: 5",
            &[
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 48, spec.topics[0].valueType: a number where a text is expected",
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 48, spec.topics[0].valueType: example/router does not accept 5",
            ][..],
        ),
        (
            "        - example/router\n",
            "        - example/router\n        - demo/greeter\n",
            &[
                "warning: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 51, spec.topics[0].targets[1]: demo/greeter does not accept example/cloudevent",
            ][..],
        ),
        (
            "    - topic: example-ingress\n",
            "    -\n",
            &[
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 48, spec.topics[0]: topic is missing",
            ][..],
        ),
        (
            "        - example/router\n",
            "        - example/router\n    - topic: example-ingress\n      valueType: example/cloudevent\n      targets: [example/router]\n",
            &[
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 51, spec.topics[1]: topic example-ingress is there twice, first in line 47",
            ][..],
        ),
        (
            "  topics:\n    - topic: example-ingress\n      valueType: example/cloudevent\n      targets:\n        - example/router\n",
            "  topics: []\n",
            &[
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 46, spec.topics: there is no topic",
            ][..],
        ),
        (
            "  topics:\n    - topic: example-ingress\n      valueType: example/cloudevent\n      targets:\n        - example/router\n",
            "  topics: example-ingress\n",
            &[
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 46, spec.topics: a text where a list is expected",
            ][..],
        ),
        (
            "    - topic: example-ingress\n      valueType: example/cloudevent\n      targets:\n        - example/router\n",
            "    - example-ingress\n",
            &[
                "error: document 4 (io.statefun.kafka.v1/ingress example/ingress), line 47, spec.topics[0]: a text where a mapping is expected",
            ][..],
        ),
    ] {
        assert_findings(from, to, expected);
    }
}
