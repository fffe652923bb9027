//! What `module render` writes, and what it refuses to.

use saphyr::{LoadableYamlNode, Yaml};
use statefun_applications::{Application, Destinations};

use super::support::{Run, run, run_with};

pub(crate) fn render(options: &[&str]) -> Run {
    run(&[&["module", "render"][..], options].concat())
}

/// The text of a module, which must have been made without a word on standard error.
pub(crate) fn rendered(options: &[&str]) -> String {
    let run = render(options);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{options:?}");
    run.out
}

/// The specs of this kind.
pub(crate) fn specs<'a>(documents: &'a [Yaml<'a>], kind: &str) -> Vec<&'a Yaml<'a>> {
    documents
        .iter()
        .filter(|document| document["kind"].as_str() == Some(kind))
        .map(|document| &document["spec"])
        .collect()
}

/// How many ingresses all applications have.
fn ingresses() -> usize {
    statefun_applications::applications().iter().map(Application::ingresses).map(<[_]>::len).sum()
}

fn egresses() -> usize {
    Destinations::default().iter().count()
}

#[test]
fn every_combination_passes_the_check() {
    for ingress in ["kafka", "kinesis"] {
        for egress in ["kafka", "kinesis"] {
            for transport in ["async", "okhttp"] {
                let options = ["--ingress", ingress, "--egress", egress, "--transport", transport];
                let text = rendered(&options);
                let checked = run_with(&["module", "check", "-", "--egress", egress], text.as_bytes());
                assert_eq!(checked.code, Some(0), "{options:?}: {checked:?}");
                assert!(checked.out.contains("(0 errors, 0 warnings)"), "{options:?}: {checked:?}");
                assert!(checked.out.contains("functions left out: none"), "{options:?}: {checked:?}");

                let documents = Yaml::load_from_str(&text).unwrap();
                assert_eq!(specs(&documents, &format!("io.statefun.{ingress}.v1/ingress")).len(), ingresses());
                assert_eq!(specs(&documents, &format!("io.statefun.{egress}.v1/egress")).len(), egresses());
                let endpoints = specs(&documents, "io.statefun.endpoints.v2/http");
                let kind = format!("io.statefun.transports.v1/{transport}");
                assert_eq!(endpoints.len(), statefun_applications::applications().len(), "each has a namespace");
                assert!(endpoints.iter().all(|spec| spec["transport"]["type"].as_str() == Some(&kind)));

                let command: Vec<&str> = text.lines().nth(1).unwrap().split_whitespace().skip(2).collect();
                assert_eq!(run(&command).out, text, "the command of the comment makes the same");
            }
        }
    }
}

#[test]
fn all_options_reach_the_module() {
    let folder = tempfile::tempdir().unwrap();
    let kafka = folder.path().join("kafka.properties");
    std::fs::write(&kafka, "security.protocol=SSL\n").unwrap();
    let options = [
        "--url",
        "https://functions/{function.name}",
        "--call",
        "90s",
        "--connect",
        "1500ms",
        "--max-batch",
        "7",
        "--pool-size",
        "9",
        "--kafka-address",
        "a:1,b:2",
        "--kafka-group",
        "yes: no #",
        "--kafka-properties",
        kafka.to_str().unwrap(),
        "--startup-position",
        "group-offsets",
        "--delivery",
        "exactly-once",
        "--transaction-timeout",
        "1h",
    ];
    let run = render(&options);
    assert_eq!(run.code, Some(0));
    assert!(run.err.contains("warning[long-transaction-timeout]: "), "{run:?}");
    let documents = Yaml::load_from_str(&run.out).unwrap();
    let endpoint = specs(&documents, "io.statefun.endpoints.v2/http")[0];
    assert_eq!(endpoint["urlPathTemplate"].as_str(), Some("https://functions/{function.name}"));
    assert_eq!(endpoint["maxNumBatchRequests"].as_integer(), Some(7));
    assert_eq!(endpoint["transport"]["call"].as_str(), Some("90s"));
    assert_eq!(endpoint["transport"]["connect"].as_str(), Some("1500ms"));
    assert_eq!(endpoint["transport"]["pool_size"].as_integer(), Some(9));
    let ingress = specs(&documents, "io.statefun.kafka.v1/ingress")[0];
    assert_eq!(ingress["address"].as_str(), Some("a:1,b:2"));
    assert_eq!(ingress["consumerGroupId"].as_str(), Some("yes: no #"));
    assert_eq!(ingress["startupPosition"]["type"].as_str(), Some("group-offsets"));
    assert_eq!(ingress["autoOffsetResetPosition"].as_str(), Some("earliest"));
    assert_eq!(ingress["properties"][0]["security.protocol"].as_str(), Some("SSL"));
    let topic = &ingress["topics"][0];
    assert_eq!(topic["topic"].as_str(), Some("demo-logins"));
    assert_eq!(topic["valueType"].as_str(), Some("demo/login"));
    assert_eq!(topic["targets"][0].as_str(), Some("demo/greeter"));
    let egress = specs(&documents, "io.statefun.kafka.v1/egress")[0];
    assert_eq!(egress["deliverySemantic"]["transactionTimeout"].as_str(), Some("1h"));
    assert_eq!(egress["properties"][0]["security.protocol"].as_str(), Some("SSL"));

    let at_least_once = rendered(&["--delivery", "at-least-once"]);
    assert!(at_least_once.contains("at-least-once") && !at_least_once.contains("transactionTimeout"));
}

#[test]
fn the_tls_files_reach_the_transport() {
    let files = [
        ("trust_cacerts", "--trust-cacerts", "/tls/ca.crt"),
        ("client_cert", "--client-cert", "/tls/tls.crt"),
        ("client_key", "--client-key", "/tls/tls.key"),
        ("client_key_password", "--client-key-password", "/tls/password"),
    ];
    let options: Vec<_> = files.iter().flat_map(|(_, option, file)| [*option, *file]).collect();
    let with = |more: &[&'static str]| render(&[&options[..], more].concat());
    let run = with(&["--url", "https://functions/statefun"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let documents = Yaml::load_from_str(&run.out).unwrap();
    let endpoint = specs(&documents, "io.statefun.endpoints.v2/http")[0];
    for (name, option, file) in files {
        assert_eq!(endpoint["transport"][name].as_str(), Some(file));
        assert!(run.out.contains(&format!(" {option} {file}")), "the header lacks {option}: {}", run.out);
    }
    // Where they would have no effect.
    let run = with(&["--url", "http://functions/statefun"]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("error[tls-option-without-https]"), "{run:?}");
    let run = with(&["--url", "https://functions/statefun", "--transport", "okhttp"]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("--trust-cacerts: only supported by --transport async"), "{run:?}");
}

#[test]
fn the_options_of_kinesis_reach_the_module() {
    let folder = tempfile::tempdir().unwrap();
    let properties = folder.path().join("kinesis.properties");
    std::fs::write(&properties, "VerifyCertificate=false\nMetricsLevel=none\n").unwrap();
    let kinesis = ["--ingress", "kinesis", "--egress", "kinesis"];
    let text = rendered(
        &[
            &kinesis[..],
            &["--aws-region", "eu-central-1", "--kinesis-endpoint", "https://localhost:4567"],
            &["--kinesis-properties", properties.to_str().unwrap()],
        ]
        .concat(),
    );
    let documents = Yaml::load_from_str(&text).unwrap();
    let ingresses = specs(&documents, "io.statefun.kinesis.v1/ingress");
    let ingress = ingresses.iter().find(|ingress| ingress["id"].as_str() == Some("demo/logins")).unwrap();
    assert_eq!(ingress["streams"][0]["stream"].as_str(), Some("demo-logins"));
    assert_eq!(ingress["awsRegion"]["type"].as_str(), Some("custom-endpoint"));
    let egress = specs(&documents, "io.statefun.kinesis.v1/egress")[0];
    assert_eq!(egress["awsRegion"]["endpoint"].as_str(), Some("https://localhost:4567"));
    assert_eq!(egress["awsRegion"]["id"].as_str(), Some("eu-central-1"));
    // Every property is a text to the runtime.
    assert_eq!(egress["clientConfigProperties"][0]["VerifyCertificate"].as_str(), Some("false"));
    assert!(rendered(&[&kinesis[..], &["--aws-region", "eu-central-1"]].concat()).contains("type: specific"));
    assert!(rendered(&kinesis).contains("awsRegion:\n    type: default"));
}

#[test]
fn one_egress_may_lead_elsewhere() {
    let options = ["--egress", "example/egress=kinesis:cart-status", "--application", "product-cart"];
    let text = rendered(&options);
    let documents = Yaml::load_from_str(&text).unwrap();
    let ids = |kind| specs(&documents, kind).iter().map(|spec| spec["id"].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(ids("io.statefun.kinesis.v1/egress"), ["example/egress"]);
    assert_eq!(ids("io.statefun.kafka.v1/egress"), ["example/dead-letter"]);
    assert_eq!(ids("io.statefun.kafka.v1/ingress"), ["example/ingress"]);
    assert_eq!(specs(&documents, "io.statefun.endpoints.v2/http").len(), 1);
    assert!(
        text.contains("--egress example/egress=kinesis:cart-status") && text.contains("--application product-cart")
    );
    let checked =
        run_with(&["module", "check", "-", "--egress", "example/egress=kinesis:cart-status"], text.as_bytes());
    assert_eq!(checked.code, Some(0), "{checked:?}");
    // What is said of one goes before what is said of all, in whatever order.
    let text = rendered(&["--egress", "example/egress=kafka:status", "--egress", "kinesis"]);
    assert_eq!(text.matches("kind: io.statefun.kinesis.v1/egress").count(), egresses() - 1);
}

/// Id, topic or stream, type and target of every ingress of this kind.
fn routes<'a>(documents: &'a [Yaml<'a>], connector: &str) -> Vec<[&'a str; 4]> {
    let (topics, topic) = if connector == "kafka" { ("topics", "topic") } else { ("streams", "stream") };
    let routes = specs(documents, &format!("io.statefun.{connector}.v1/ingress")).into_iter().map(|ingress| {
        let route = &ingress[topics][0];
        [&ingress["id"], &route[topic], &route["valueType"], &route["targets"][0]].map(|value| value.as_str().unwrap())
    });
    routes.collect()
}

#[test]
fn the_shopping_cart_has_the_streams_of_its_demo() {
    for connector in ["kafka", "kinesis"] {
        let options = ["--application", "shopping-cart", "--ingress", connector, "--egress", connector];
        let text = rendered(&options);
        let documents = Yaml::load_from_str(&text).unwrap();
        assert_eq!(
            routes(&documents, connector),
            [
                [
                    "shopping-cart-example/cart_events",
                    "cart_events",
                    "com.googleapis/AddToCart",
                    "shopping-cart-example/cart",
                ],
                [
                    "shopping-cart-example/restock_events",
                    "restock_events",
                    "com.googleapis/RestockItem",
                    "shopping-cart-example/inventory",
                ],
            ]
        );
        let egresses = specs(&documents, &format!("io.statefun.{connector}.v1/egress"));
        let egresses: Vec<_> = egresses.iter().map(|egress| egress["id"].as_str().unwrap()).collect();
        assert_eq!(egresses, ["shopping-cart-example/cart_results_egress", "shopping-cart-example/dead-letter"]);
        let endpoints = specs(&documents, "io.statefun.endpoints.v2/http");
        assert_eq!(endpoints.len(), 1);
        assert_eq!(endpoints[0]["functions"].as_str(), Some("shopping-cart-example/*"));
    }
}

#[test]
fn fraud_detection_has_three_topics_or_two_without_custom_thresholds() {
    let transactions = [
        "ververica/transactions",
        "transactions",
        "com.googleapis/workshop.Transaction",
        "ververica/transaction-manager",
    ];
    let confirmed = ["ververica/confirmed", "confirmed", "com.googleapis/workshop.ConfirmFraud", "ververica/counter"];
    let thresholds =
        ["ververica/thresholds", "thresholds", "com.googleapis/workshop.CustomThreshold", "ververica/threshold"];
    let without = ["--custom-thresholds", "false"];
    for (options, expected) in
        [(&[][..], &[confirmed, thresholds, transactions][..]), (&without, &[confirmed, transactions])]
    {
        let text = rendered(&[&["--application", "fraud"], options].concat());
        let documents = Yaml::load_from_str(&text).unwrap();
        assert_eq!(routes(&documents, "kafka"), expected);
        let egresses = specs(&documents, "io.statefun.kafka.v1/egress");
        let egresses: Vec<_> = egresses.iter().map(|egress| egress["id"].as_str().unwrap()).collect();
        assert_eq!(egresses, ["ververica/dead-letter", "ververica/kafka-egress"]);
        let endpoints = specs(&documents, "io.statefun.endpoints.v2/http");
        assert_eq!(endpoints.len(), 1);
        assert_eq!(endpoints[0]["functions"].as_str(), Some("ververica/*"));
        assert_eq!(text.lines().nth(1).unwrap().contains("--custom-thresholds false"), !options.is_empty());

        let checked = run_with(&[&["module", "check", "-"], options].concat(), text.as_bytes());
        assert!(checked.out.contains("(0 errors, 0 warnings)"), "{checked:?}");
        // A module with an ingress to what a server without custom thresholds does not have.
        let checked = run_with(&[&["module", "check", "-"], &without[..]].concat(), text.as_bytes());
        assert_eq!(checked.code, Some(i32::from(options.is_empty())), "{checked:?}");
    }
}

#[test]
fn short_calls_of_okhttp_have_short_reads_and_writes() {
    let Run { code, out: text, err } = render(&["--transport", "okhttp", "--call", "5s", "--connect", "2s"]);
    assert!(code == Some(0) && err.contains("warning[call-too-short]"), "{err}");
    assert!(text.contains("      call: 5s\n      connect: 2s\n      read: 5s\n      write: 5s\n"), "{text}");
}

#[test]
fn slow_answers_of_lambda_are_waited_for() {
    for url in [
        "https://abcdefghij.execute-api.eu-central-1.amazonaws.com/prod/secret/statefun",
        "https://abcdefghij.execute-api.cn-north-1.amazonaws.com.cn/secret/{function.name}",
        "https://ABC123.lambda-url.us-east-1.on.aws/statefun",
    ] {
        let text = rendered(&["--url", url]);
        assert!(text.contains("    call: 2min\n"), "{text}");
        let text = rendered(&["--url", url, "--transport", "okhttp", "--call", "31s"]);
        assert!(text.contains("      call: 31s\n      connect: 10s\n      read: 31s\n"), "{text}");
        let text = rendered(&["--url", url, "--transport", "okhttp"]);
        assert!(text.contains("      read: 35s\n"), "{text}");
        let run = render(&["--url", url, "--call", "30s"]);
        assert_eq!(run.code, Some(1));
        assert!(run.err.contains("--call 30s: a response of AWS Lambda can take 30s; expected more"), "{run:?}");
    }
    for url in ["https://execute-api.example/statefun", "https://example.com/a.execute-api.amazonaws.com"] {
        assert!(!rendered(&["--url", url, "--transport", "okhttp", "--call", "90s"]).contains("read"), "{url}");
    }
}

#[test]
fn a_module_that_would_not_work_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("module.yaml");
    let output = ["--output", path.to_str().unwrap()];
    for (options, reason) in [
        (&["--url", "functions:8000"][..], "error[invalid-url]: "),
        (&["--url", "http+unix:///run/f.sock/statefun"], "error[async-unix-socket]: "),
        (&["--transport", "okhttp", "--call", "5s", "--connect", "6s"], "error[timeout-longer-than-call]: "),
        (&["--call", "0s"], "error[zero-duration]: "),
        (&["--transaction-timeout", "0s"], "error[zero-duration]: "),
        (
            &["--ingress", "kinesis", "--aws-region", "eu-central-1", "--kinesis-endpoint", "http://localhost"],
            "error[kinesis-endpoint-without-https]: ",
        ),
        (
            &["--ingress", "kinesis", "--startup-position", "group-offsets"],
            "not supported by Kinesis, expected earliest or latest",
        ),
        (&["--transport", "okhttp", "--pool-size", "9"], "only supported by --transport async"),
        (&["--kafka-properties", "no/such.properties"], "no/such.properties: "),
        (&["--egress", "example/exit=kafka:topic"], "unknown egress"),
    ] {
        let run = render(&[options, &output].concat());
        assert_eq!((run.code, run.out.as_str()), (Some(1), ""), "{options:?}");
        assert!(run.err.contains(reason), "{options:?}: {run:?}");
        assert!(!path.exists(), "{options:?}");
    }
    for options in [
        &["--ingress", "rabbit"][..],
        &["--egress", "rabbit"],
        &["--application", "nobody"],
        &["--max-batch", "0"],
        &["--kinesis-endpoint", "https://localhost"],
    ] {
        assert_eq!(render(options).code, Some(2), "{options:?}");
    }
    assert!(
        render(&["--egress", "rabbit"]).err.contains("expected kafka, kinesis, ID=kafka:TOPIC or ID=kinesis:STREAM")
    );
}

#[test]
fn what_begins_at_the_end_is_written_with_a_warning() {
    let run = render(&["--startup-position", "latest"]);
    assert_eq!(run.code, Some(0));
    assert_eq!(run.err.matches("warning[startup-position-latest]: ").count(), ingresses(), "{run:?}");
}

#[test]
fn output_goes_to_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("module.yaml");
    assert_eq!(rendered(&["--output", path.to_str().unwrap()]), "");
    assert_eq!(std::fs::read_to_string(path).unwrap(), rendered(&[]));
}

/// The cluster's parser is of YAML 1.1: it would read 202401, 3 and 10000 otherwise.
#[test]
fn a_text_that_the_cluster_would_take_for_a_number_is_quoted() {
    for group in ["2024_01", "0b11", "1e4", "0x1F", "017", "1_", ".5"] {
        let text = rendered(&["--kafka-group", group]);
        assert!(text.contains(&format!("consumerGroupId: \"{group}\"\n")), "{text}");
    }
    assert!(rendered(&["--kafka-group", "2024-01"]).contains("consumerGroupId: 2024-01\n"));
}
