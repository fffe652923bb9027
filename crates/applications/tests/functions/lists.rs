//! What other parts of the project know of the applications is made from the list.
//!
//! `REGENERATE=1 cargo test -p statefun-applications --test functions lists` writes the files anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use statefun_applications::{Application, Destinations, Settings, applications, list};
use statefun_sdk::Contract;

fn assert_kept(file: &str, fresh: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    if std::env::var_os("REGENERATE").is_some() {
        std::fs::write(&path, fresh).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == fresh, "{file} is not what the list of applications makes; run this test with REGENERATE=1");
}

fn contract(application: &Application) -> Contract {
    let registry = list::registry([application], &Destinations::default(), &Settings::default()).unwrap();
    Contract::of(&registry)
}

#[test]
fn the_chart_knows_all_applications() {
    let mut text =
        "# What the module needs to know of the applications: a test of crates/applications writes it.\n".to_owned();
    for application in applications() {
        let contract = contract(application);
        let namespaces: BTreeSet<&str> = contract.functions.keys().map(|name| name.namespace()).collect();
        let [namespace] = Vec::from_iter(namespaces)[..] else { panic!("the chart writes one endpoint for each") };
        writeln!(text, "{}:\n  namespace: {namespace}\n  ingresses:", application.name()).unwrap();
        for (id, ingress) in &contract.ingresses {
            let (source, value_type, target) = (&ingress.topic, &ingress.value_type, &ingress.target);
            writeln!(
                text,
                "    - id: {id}\n      source: {source}\n      valueType: {value_type}\n      target: {target}"
            )
            .unwrap();
        }
        let egresses: BTreeSet<&str> = contract
            .functions
            .values()
            .flat_map(|function| function.egresses.keys().map(|egress| egress.as_str()))
            .collect();
        writeln!(text, "  egresses: [{}]", Vec::from_iter(egresses).join(", ")).unwrap();
    }
    assert_kept("k8s/files/applications.yaml", &text);
}

#[test]
fn the_command_line_knows_all_applications() {
    let registry = list::registry(applications(), &Destinations::default(), &Settings::default()).unwrap();
    assert_kept("crates/cli/applications.json", &(Contract::of(&registry).to_json() + "\n"));
}

#[test]
fn the_values_of_the_chart_are_the_names_of_the_applications() {
    let schema: serde_json::Value = serde_json::from_str(include_str!("../../../../k8s/values.schema.json")).unwrap();
    let names = &schema["properties"]["module"]["properties"]["applications"]["items"]["enum"];
    let known: BTreeSet<&str> = names.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(known, applications().iter().map(Application::name).collect());
}
