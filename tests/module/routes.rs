//! Topics and streams: types and targets.

use super::support::assert_findings;

#[test]
fn routes() {
    for (from, to, expected) in [
        (
            "        - example/router\n",
            "        - example/rooter\n",
            &["error[unknown-target] 4:spec.topics[0].targets[0]"][..],
        ),
        (
            "        - example/router\n",
            "        - other/router\n",
            &["error[target-without-endpoint] 4:spec.topics[0].targets[0]"][..],
        ),
        (
            "        - example/router\n",
            "        - router\n",
            &["error[invalid-type-name] 4:spec.topics[0].targets[0]"][..],
        ),
        (
            "        - example/router\n",
            "        - example/*\n",
            &["error[target-pattern] 4:spec.topics[0].targets[0]"][..],
        ),
        (
            "      targets:\n        - example/router\n",
            "      targets: []\n",
            &["error[empty-list] 4:spec.topics[0].targets"][..],
        ),
        ("      targets:\n        - example/router\n", "", &["error[missing-field] 4:spec.topics[0].targets"][..]),
        ("      valueType: example/cloudevent\n", "", &["error[missing-field] 4:spec.topics[0].valueType"][..]),
        (
            "valueType: example/cloudevent",
            "valueType: example/event",
            &["error[value-type-not-accepted] 4:spec.topics[0].valueType"][..],
        ),
        (
            "valueType: example/cloudevent",
            "valueType: 5",
            &[
                "error[wrong-type] 4:spec.topics[0].valueType",
                "error[value-type-not-accepted] 4:spec.topics[0].valueType",
            ][..],
        ),
        (
            "        - example/router\n",
            "        - example/router\n        - demo/greeter\n",
            &["warning[value-type-not-accepted] 4:spec.topics[0].targets[1]"][..],
        ),
        ("    - topic: example-ingress\n", "    -\n", &["error[missing-field] 4:spec.topics[0].topic"][..]),
        (
            "        - example/router\n",
            "        - example/router\n    - topic: example-ingress\n      valueType: example/cloudevent\n      targets: [example/router]\n",
            &["error[duplicate-topic] 4:spec.topics[1]"][..],
        ),
        (
            "  topics:\n    - topic: example-ingress\n      valueType: example/cloudevent\n      targets:\n        - example/router\n",
            "  topics: []\n",
            &["error[empty-list] 4:spec.topics"][..],
        ),
        (
            "  topics:\n    - topic: example-ingress\n      valueType: example/cloudevent\n      targets:\n        - example/router\n",
            "  topics: example-ingress\n",
            &["error[wrong-type] 4:spec.topics"][..],
        ),
        (
            "    - topic: example-ingress\n      valueType: example/cloudevent\n      targets:\n        - example/router\n",
            "    - example-ingress\n",
            &["error[wrong-type] 4:spec.topics[0]"][..],
        ),
    ] {
        assert_findings(from, to, expected);
    }
}
