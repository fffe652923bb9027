//! What a function and a registry declare, as data.

use statefun_sdk::{
    Connector, Context, Contract, DeadLetter, Destination, Egress, FailurePolicy, Function, FunctionError, Ingress,
    Registry, RegistryError, TypeName,
};

const ORDER: TypeName = TypeName::new("shop/order");
const TEXT: TypeName = TypeName::new("io.statefun.types/string");
const MAILS: Egress = Egress::new("shop/mails");

async fn place(_: &mut Context, _: String) -> Result<(), FunctionError> {
    Ok(())
}

fn order() -> Function {
    Function::new(ORDER).on(place)
}

fn dead_letters(destination: Destination) -> FailurePolicy {
    FailurePolicy::DeadLetter(DeadLetter::new(MAILS, destination))
}

#[test]
fn the_connector_of_an_egress_is_that_of_whoever_declares_one() {
    let kafka = || dead_letters(Destination::kafka("mails"));
    for (function, connector) in [
        (order().emits(MAILS), None),
        (order().emits_to(MAILS, Connector::Kafka), Some(Connector::Kafka)),
        (order().emits(MAILS).emits_to(MAILS, Connector::Kafka), Some(Connector::Kafka)),
        (order().emits_to(MAILS, Connector::Kinesis).emits(MAILS), Some(Connector::Kinesis)),
        (order().emits(MAILS).on_failure(kafka()), Some(Connector::Kafka)),
        (order().emits_to(MAILS, Connector::Kafka).on_failure(kafka()), Some(Connector::Kafka)),
    ] {
        let registry = Registry::builder().function(function).build().unwrap();
        let [function] = registry.functions() else { panic!("{registry:?}") };
        assert_eq!(Vec::from_iter(function.egresses()), [&MAILS]);
        assert_eq!(function.connector_of(&MAILS), connector);
    }
}

#[test]
fn an_egress_of_two_connectors_is_refused() {
    for function in [
        order().emits_to(MAILS, Connector::Kafka).emits_to(MAILS, Connector::Kinesis),
        order().emits_to(MAILS, Connector::Kafka).on_failure(dead_letters(Destination::kinesis("mails"))),
    ] {
        let error = Registry::builder().function(function).build().unwrap_err();
        assert_eq!(error, RegistryError::TwoConnectors { function: ORDER, egress: MAILS });
    }
}

#[test]
fn an_ingress_has_an_id_of_its_own() {
    let orders = || Ingress::new("shop/orders", "orders", TEXT, ORDER);
    let registry = Registry::builder().function(order()).ingress(orders()).build().unwrap();
    assert_eq!(registry.ingresses(), [orders()]);
    let error = Registry::builder().ingresses([orders(), orders()]).build().unwrap_err();
    assert_eq!(error, RegistryError::DuplicateIngress(TypeName::new("shop/orders")));
}

#[test]
fn what_is_no_contract_of_this_format_is_refused_with_what_was_expected() {
    let json = Contract::of(&Registry::builder().function(order()).build().unwrap()).to_json();
    assert!(Contract::from_json(json.as_bytes()).is_ok());
    for (json, reason) in [
        (json.replace("\"format\": 2", "\"format\": 3"), "format 3, and this release reads format 2"),
        (json.replace("shop/order", "order"), "is not a type name"),
        (json[..json.len() / 2].to_owned(), "EOF"),
        ("[2, {}, {}]".to_owned(), "not a JSON object"),
        (String::new(), "not a JSON object"),
    ] {
        let error = Contract::from_json(json.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(reason) && error.contains("expected what a server returns at GET /"), "{error}");
    }
}
