//! The properties of Kafka's clients that `module render` takes from files.

use std::path::Path;

use saphyr::{LoadableYamlNode, Yaml};

use super::render::{render, rendered, specs};

/// The properties of an ingress or egress, in order.
fn properties<'a>(spec: &'a Yaml<'a>) -> Vec<(&'a str, &'a str)> {
    let items = spec["properties"].as_vec().map(Vec::as_slice).unwrap_or_default();
    let entries = items.iter().flat_map(|item| item.as_mapping().unwrap().iter());
    entries.map(|(name, value)| (name.as_str().unwrap(), value.as_str().unwrap())).collect()
}

/// Writes the files, and gives the options that name them.
fn options(folder: &Path, files: &[&str]) -> Vec<String> {
    let write = |(number, text): (usize, &&str)| {
        let path = folder.join(number.to_string());
        std::fs::write(&path, text).unwrap();
        ["--kafka-properties".to_owned(), path.to_str().unwrap().to_owned()]
    };
    files.iter().enumerate().flat_map(write).collect()
}

/// A secret, as it is stored.
const SECRET: &str = r#"{"bootstrap.servers": "pkc-1.aws.confluent.cloud:9092",
    "sasl.jaas.config": "org.example.Login required username='K' password='p:#\"';"}"#;

/// Parameters, as the command line of AWS prints them.
const PARAMETERS: &str = r#"{"Parameters": [
    {"Name": "/confluent_cloud_resource/consumer_kafka_client/auto.offset.reset", "Type": "String", "Value": "latest"},
    {"Name": "/confluent_cloud_resource/consumer_kafka_client/basic.auth.credentials.source", "Value": "USER_INFO"},
    {"Name": "/confluent_cloud_resource/consumer_kafka_client/security.protocol", "Value": "SASL_SSL"},
    {"Name": "/confluent_cloud_resource/consumer_kafka_client/session.timeout.ms", "Value": "45000", "Version": 3},
    {"Name": "/confluent_cloud_resource/producer_kafka_client/acks", "Value": "all"},
    {"Name": "/confluent_cloud_resource/producer_kafka_client/security.protocol", "Value": "SASL_SSL"}
]}"#;

#[test]
fn a_secret_and_parameters_become_properties_of_ingresses_and_egresses() {
    const LOGIN: (&str, &str) = ("sasl.jaas.config", r#"org.example.Login required username='K' password='p:#"';"#);
    let printed = serde_json::json!({"ARN": "arn:aws:…", "Name": "…", "SecretString": SECRET}).to_string();
    for secret in [SECRET, &printed] {
        let folder = tempfile::tempdir().unwrap();
        let options = options(folder.path(), &[secret, PARAMETERS]);
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let text = rendered(&options);
        let documents = Yaml::load_from_str(&text).unwrap();
        let ingresses = specs(&documents, "io.statefun.kafka.v1/ingress");
        let egresses = specs(&documents, "io.statefun.kafka.v1/egress");
        assert!(!ingresses.is_empty() && !egresses.is_empty());
        for ingress in ingresses {
            assert_eq!(ingress["address"].as_str(), Some("pkc-1.aws.confluent.cloud:9092"));
            assert_eq!(ingress["autoOffsetResetPosition"].as_str(), Some("latest"));
            assert_eq!(
                properties(ingress),
                [LOGIN, ("security.protocol", "SASL_SSL"), ("session.timeout.ms", "45000")]
            );
        }
        for egress in egresses {
            assert_eq!(egress["address"].as_str(), Some("pkc-1.aws.confluent.cloud:9092"));
            assert_eq!(properties(egress), [LOGIN, ("acks", "all"), ("security.protocol", "SASL_SSL")]);
        }
        assert!(text.lines().nth(1).unwrap().contains(&options.join(" ")), "the command of the comment");
        assert!(!text.lines().take(3).any(|line| line.contains("password")));
    }
}

#[test]
fn the_last_file_counts() {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        r#"{"linger.ms": 5, "enable.idempotence": true, "client.id": "first", "bootstrap.servers": "a:1"}"#,
        "client.id = second\nclient.id = third\nbootstrap.servers = b:2",
    ];
    let options = options(folder.path(), &files);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let text = rendered(&options);
    let documents = Yaml::load_from_str(&text).unwrap();
    let egress = specs(&documents, "io.statefun.kafka.v1/egress")[0];
    assert_eq!(egress["address"].as_str(), Some("b:2"));
    assert_eq!(properties(egress), [("client.id", "third"), ("enable.idempotence", "true"), ("linger.ms", "5")]);
    let ingress = specs(&documents, "io.statefun.kafka.v1/ingress")[0];
    assert_eq!(ingress["autoOffsetResetPosition"].as_str(), Some("earliest"));
}

#[test]
fn what_is_no_file_of_properties_is_refused_without_showing_it() {
    const NONE: &str = "no property of a Kafka client found";
    const EXPECTED: &str = "expected an object of properties, or the JSON output of `aws";
    let parameter = |name: &str| format!(r#"{{"Parameters": [{{"Name": "{name}", "Value": "hunter2"}}]}}"#);
    for (file, error) in [
        ("", NONE),
        ("# a comment\n", NONE),
        ("{}", NONE),
        (r#"{"Parameters": []}"#, NONE),
        // That of the schema registry, by mistake.
        (r#"{"schema.registry.url": "https://a", "basic.auth.user.info": "K:hunter2"}"#, NONE),
        (r#"["hunter2"]"#, EXPECTED),
        (r#"{"Parameters": "hunter2"}"#, EXPECTED),
        (&SECRET[..SECRET.len() - 20], "invalid or truncated JSON: "),
        (r#"{"SecretString": "{\"password\": \"hunter2\""}"#, "SecretString: invalid or truncated JSON: "),
        (r#"{"SecretString": "\"hunter2\""}"#, "SecretString: expected an object of properties"),
        (r#"{"SecretString": ["hunter2"]}"#, "SecretString is not a string"),
        (r#"{"SecretBinary": {"a": "hunter2"}}"#, "SecretBinary: expected a string, a number or a boolean"),
        (r#"{"ssl.key.password": null}"#, "ssl.key.password: expected a string, a number or a boolean"),
        (r#"{"Parameters": [{"Name": "/a/consumer_kafka_client/acks"}]}"#, "parameter without Value"),
        (r#"{"Parameters": ["hunter2"]}"#, "parameter without Name"),
        (
            &parameter("/a/kafka_client/acks"),
            "parameter /a/kafka_client/acks: expected …/consumer_kafka_client/PROPERTY",
        ),
        (&parameter("/a/consumer_kafka_client/"), "parameter /a/consumer_kafka_client/: expected"),
        (&parameter("acks"), "parameter acks: expected"),
        (
            r#"{"Parameters": [{"Name": "/a/consumer_kafka_client/a", "Value": "hunter2"}], "NextToken": "hunter2"}"#,
            "incomplete parameters, as there is a NextToken: fetch all pages",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let options = options(folder.path(), &[SECRET, file]);
        let run = render(&options.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!((run.code, run.out.as_str()), (Some(1), ""), "{file}: {run:?}");
        assert!(run.err.contains(&format!("{}: {error}", options[3])), "{file}: {run:?}");
        assert!(!run.err.contains("hunter2"), "{file}: {run:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    let files = [
        r#"{"Parameters": [{"Name": "/a/consumer_kafka_client/bootstrap.servers", "Value": "a:1"}]}"#,
        r#"{"Parameters": [{"Name": "/a/producer_kafka_client/bootstrap.servers", "Value": "b:1"}]}"#,
    ];
    let options = options(folder.path(), &files);
    let run = render(&options.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(run.err.contains("bootstrap.servers of consumer and producer differ"), "{run:?}");
}

#[test]
fn properties_that_do_not_work_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let render = |file| {
        let options = options(folder.path(), &[file]);
        render(&options.iter().map(String::as_str).collect::<Vec<_>>())
    };
    // The parameters without the secret.
    let run = render(PARAMETERS);
    assert_eq!(run.code, Some(0), "{run:?}");
    let clients = run.out.matches("kind: io.statefun.kafka.v1/").count();
    let warning = "warning[sasl-without-jaas-config]: ";
    assert_eq!(run.err.matches(warning).count(), clients, "{run:?}");
    let run = render("acks=1");
    assert_eq!((run.code, run.out.as_str()), (Some(1), ""), "{run:?}");
    assert!(run.err.contains("error[exactly-once-acks]: "), "{run:?}");
    let run = render("auto.offset.reset=none");
    assert_eq!((run.code, run.out.as_str()), (Some(1), ""), "{run:?}");
    assert!(run.err.contains("error[unknown-value]: "), "{run:?}");
}

#[test]
fn properties_are_read_as_java_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("client.properties");
    let file = "# a comment\n ! another\n\nbootstrap.servers = a:1\ngroup.id=of-the-file\n\
                sasl.jaas.config=org.example.Login required \\\n    username=\"ann\" \\\r\n\tpassword=\"p\\\\w:=\";\n\
                a\\:b\\ c d\nempty\nemoji:\\u20ac\\ud83d\\ude00\\t|\nends=with\\";
    std::fs::write(&path, file).unwrap();
    let options = ["--kafka-properties", path.to_str().unwrap()];
    let text = rendered(&options);
    let documents = Yaml::load_from_str(&text).unwrap();
    let ingress = specs(&documents, "io.statefun.kafka.v1/ingress")[0];
    assert_eq!(ingress["address"].as_str(), Some("a:1"));
    assert_eq!(ingress["consumerGroupId"].as_str(), Some("of-the-file"));
    assert_eq!(
        properties(ingress),
        [
            ("sasl.jaas.config", "org.example.Login required username=\"ann\" password=\"p\\w:=\";"),
            ("a:b c", "d"),
            ("empty", ""),
            ("emoji", "€😀\t|"),
            ("ends", "with"),
        ]
    );
    let text = rendered(&[&options[..], &["--kafka-address", "b:2", "--kafka-group", "mine"]].concat());
    assert!(
        text.contains("address: \"b:2\"") && text.contains("consumerGroupId: mine") && !text.contains("of-the-file")
    );

    for (bad, error) in
        [("a=\\u12", "line 1: a \\u without four hexadecimal digits"), ("\na=\\ud83d", "line 2: unpaired surrogate")]
    {
        std::fs::write(&path, bad).unwrap();
        let run = render(&options);
        assert_eq!(run.code, Some(1));
        assert!(run.err.ends_with(&format!("{error}\n")), "{run:?}");
    }
}
