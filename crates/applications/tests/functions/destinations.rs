use statefun_applications::Settings;
use statefun_applications::destinations::{Destinations, EgressSetting};
use statefun_sdk::{Connector, Destination, Egress, Registry};

#[test]
fn every_egress_has_a_default() {
    let destinations = Destinations::default();
    let all: Vec<_> = destinations.iter().map(|(egress, to)| (egress.to_string(), to.clone())).collect();
    let kafka = |id: &str, topic: &str| (id.to_owned(), Destination::kafka(topic));
    assert_eq!(
        all,
        [
            kafka("demo/dead-letter", "demo-dead-letter"),
            kafka("demo/greetings", "greetings"),
            kafka("example/dead-letter", "example-dead-letter"),
            kafka("example/egress", "example-egress"),
            kafka("shopping-cart-example/cart_results_egress", "cart_results"),
            kafka("shopping-cart-example/dead-letter", "shopping-cart-example-dead-letter"),
            kafka("ververica/dead-letter", "ververica-dead-letter"),
            kafka("ververica/kafka-egress", "alerts"),
        ]
    );
}

#[test]
fn the_functions_form_a_registry_whose_egresses_are_those_that_are_configured() {
    let destinations = Destinations::default();
    let registry =
        Registry::builder().functions(statefun_applications::all(&destinations, &Settings::default())).build().unwrap();
    let names: Vec<_> = registry.functions().iter().map(|function| function.type_name().to_string()).collect();
    assert_eq!(
        names,
        [
            "example/router",
            "example/product",
            "example/cart",
            "shopping-cart-example/cart",
            "shopping-cart-example/inventory",
            "ververica/transaction-manager",
            "ververica/counter",
            "ververica/merchant",
            "ververica/model",
            "ververica/threshold",
            "demo/greeter",
        ]
    );
    let mut egresses: Vec<_> =
        registry.functions().iter().flat_map(|function| function.egresses()).map(ToString::to_string).collect();
    egresses.sort();
    egresses.dedup();
    assert_eq!(egresses, destinations.egress_ids().collect::<Vec<_>>());
}

#[test]
fn all_egresses_may_lead_to_streams_of_their_default_names() {
    let mut destinations = Destinations::default();
    destinations.set_all(Connector::Kinesis);
    assert_eq!(destinations.of(&Egress::new("demo/greetings")), Some(&Destination::kinesis("greetings")));
    assert!(destinations.iter().all(|(_, destination)| destination.connector() == Connector::Kinesis));
    destinations.set_all(Connector::Kafka);
    assert_eq!(destinations, Destinations::default());
}

#[test]
fn ingresses_lead_to_functions_that_accept_their_records() {
    for application in statefun_applications::applications() {
        let functions = application.functions(&Destinations::default(), &Settings::default());
        let registry = Registry::builder().functions(functions).build().unwrap();
        assert!(!application.ingresses().is_empty(), "{}", application.name());
        for ingress in application.ingresses() {
            let target = registry.functions().iter().find(|function| function.type_name() == ingress.target());
            assert!(target.is_some_and(|target| target.accepts().contains(ingress.value_type())), "{ingress:?}");
        }
    }
}

#[test]
fn settings_are_read() {
    let setting: EgressSetting = "example/egress=kafka:a.topic_of-mine".parse().unwrap();
    assert_eq!(setting.egress, "example/egress");
    assert_eq!(setting.destination, Destination::kafka("a.topic_of-mine"));
    let setting: EgressSetting = "demo/greetings=kinesis:greetings".parse().unwrap();
    assert_eq!(setting.destination, Destination::kinesis("greetings"));
}

#[test]
fn a_setting_that_is_none_says_what_is_wrong_and_what_was_expected() {
    let too_long = format!("a/b=kinesis:{}", "s".repeat(129));
    for (text, reason) in [
        ("", "missing '='"),
        ("example/egress", "missing '='"),
        ("=kafka:topic", "empty egress id"),
        ("example/egress=topic", "no ':'"),
        ("example/egress=rabbit:queue", "neither kafka nor kinesis"),
        ("example/egress=kafka:", "Kafka topic"),
        ("example/egress=kafka:a topic", "Kafka topic"),
        ("example/egress=kafka:..", "Kafka topic"),
        ("example/egress=kinesis:", "Kinesis stream"),
        (&too_long, "Kinesis stream"),
    ] {
        let error = text.parse::<EgressSetting>().unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
        assert!(
            error.ends_with("kafka:TOPIC or kinesis:STREAM") || error.ends_with("ID=kafka:TOPIC or ID=kinesis:STREAM"),
            "{error}"
        );
    }
}

#[test]
fn an_unknown_egress_is_refused_with_those_that_there_are() {
    let mut destinations = Destinations::default();
    let error = destinations.set("example/exit", Destination::kafka("topic")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown egress \"example/exit\": expected one of demo/dead-letter, demo/greetings, example/dead-letter, \
         example/egress, shopping-cart-example/cart_results_egress, shopping-cart-example/dead-letter, \
         ververica/dead-letter, ververica/kafka-egress"
    );
    assert_eq!(destinations, Destinations::default());
    assert_eq!(destinations.of(&Egress::new("example/exit")), None);
}
