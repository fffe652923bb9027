//! Kinesis ingresses and egresses, and the AWS settings of both.

use super::component::{Component, ID};
use super::field::Field;
use super::findings::{Findings, outcome};
use super::module::Module;
use super::position;
use super::routes;
use super::shape::{self, Known, Shape, optional, required};

const INGRESS: &[Known] = &[
    ID,
    optional("awsRegion", Shape::Map),
    optional("awsCredentials", Shape::Map),
    optional("startupPosition", Shape::Map),
    required("streams", Shape::List),
    optional("clientConfigProperties", Shape::Properties),
];
const EGRESS: &[Known] = &[
    ID,
    optional("awsRegion", Shape::Map),
    optional("awsCredentials", Shape::Map),
    optional("maxOutstandingRecords", Shape::WholeNumber),
    optional("clientConfigProperties", Shape::Properties),
];

pub(super) fn check_ingress<'a>(findings: &mut Findings, component: &Component<'a>, module: &mut Module<'a>) {
    let spec = &component.spec;
    shape::check(findings, spec, INGRESS, outcome::NO_START);
    check_aws(findings, spec);
    position::check(findings, spec, &["earliest", "latest", "date"]);
    if let Some(streams) = spec.get("streams") {
        routes::check(findings, &streams, "stream", module);
    }
}

pub(super) fn check_egress(findings: &mut Findings, component: &Component<'_>) {
    let spec = &component.spec;
    shape::check(findings, spec, EGRESS, outcome::NO_START);
    check_aws(findings, spec);
    if let Some(records) = spec.get("maxOutstandingRecords")
        && records.text().and_then(|text| text.parse::<i32>().ok()).is_some_and(|records| records < 1)
    {
        findings.error(
            "number-below-one",
            &records,
            "no records in flight are allowed",
            outcome::NO_START,
            "write a number above 0",
        );
    }
}

fn check_aws(findings: &mut Findings, spec: &Field<'_>) {
    const REGIONS: &[Type] = &[
        Type { name: "default", fields: &[] },
        Type { name: "specific", fields: &[required("id", Shape::Text)] },
        Type { name: "custom-endpoint", fields: &[required("endpoint", Shape::Text), required("id", Shape::Text)] },
    ];
    const CREDENTIALS: &[Type] = &[
        Type { name: "default", fields: &[] },
        Type {
            name: "basic",
            fields: &[required("accessKeyId", Shape::Text), required("secretAccessKey", Shape::Text)],
        },
        Type { name: "profile", fields: &[required("profileName", Shape::Text), optional("profilePath", Shape::Text)] },
    ];

    if let Some(region) = spec.get("awsRegion") {
        check_type(findings, &region, REGIONS);
        // runtime: `AwsRegion.CustomEndpointAwsRegion`
        if region.text_of("type") == Some("custom-endpoint")
            && let Some(endpoint) = region.get("endpoint")
            && let Some(url) = endpoint.text()
            && !url.to_ascii_lowercase().starts_with("https://")
        {
            let remedy = "put TLS in front of the endpoint, and write https://";
            findings.error(
                "kinesis-endpoint-without-https",
                &endpoint,
                "a custom endpoint must be https",
                outcome::NO_START,
                remedy,
            );
        }
    }
    if let Some(credentials) = spec.get("awsCredentials") {
        check_type(findings, &credentials, CREDENTIALS);
    }
}

/// A value of `type`, and its fields.
struct Type {
    name: &'static str,
    fields: &'static [Known],
}

fn check_type(findings: &mut Findings, map: &Field<'_>, types: &[Type]) {
    let Some(kind) = map.get("type") else {
        return findings.error("missing-field", &map.absent("type"), "missing", outcome::NO_START, "add type");
    };
    let names: Vec<&str> = types.iter().map(|kind| kind.name).collect();
    if !shape::check_choice(findings, &kind, &names) {
        return;
    }
    if let Some(of_type) = types.iter().find(|of_type| Some(of_type.name) == kind.text()) {
        let known: Vec<Known> =
            std::iter::once(required("type", Shape::Text)).chain(of_type.fields.iter().copied()).collect();
        shape::check(findings, map, &known, outcome::NO_START);
    }
}
