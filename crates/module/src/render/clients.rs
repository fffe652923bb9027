//! Reads properties of Kafka clients from files: consumer properties for ingresses, producer properties for egresses.
//!
//! Values can be secrets, so errors never contain them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::properties;

/// Names and values.
pub(super) type Properties = Vec<(String, String)>;

/// The properties of each client.
#[derive(Debug, Default)]
pub(super) struct Clients {
    pub(super) consumer: Properties,
    pub(super) producer: Properties,
}

/// The client that a property is for.
#[derive(Debug, Clone, Copy)]
enum Client {
    Both,
    Consumer,
    Producer,
}

/// The folders of the parameter store that `deploy/confluent` writes.
const FOLDERS: [(&str, Client); 2] =
    [("consumer_kafka_client", Client::Consumer), ("producer_kafka_client", Client::Producer)];

/// Prefixes of properties for a schema registry client. They are skipped, as neither Kafka client uses them and they
/// contain an API key.
const REGISTRY_PREFIXES: [&str; 2] = ["schema.registry.", "basic.auth."];

impl Clients {
    /// Reads all files. Properties in later files override those in earlier ones.
    ///
    /// # Errors
    /// When a file cannot be read, has an unknown format, or contains no property.
    pub(super) fn read(paths: &[PathBuf]) -> Result<Self, String> {
        let mut clients = Self::default();
        for path in paths {
            clients.add(path).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(clients)
    }

    fn add(&mut self, path: &Path) -> Result<(), String> {
        let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
        let read = if text.trim_start().starts_with(['{', '[']) {
            from_json(&text)?
        } else {
            properties::parse(&text)?.into_iter().map(|(name, value)| (Client::Both, name, value)).collect()
        };
        let mut read =
            read.into_iter().filter(|(_, name, _)| !REGISTRY_PREFIXES.iter().any(|prefix| name.starts_with(prefix)));
        let first = read.next().ok_or(
            "no property of a Kafka client found, expected a .properties file or the JSON of a secret or of parameters",
        )?;
        for (client, name, value) in std::iter::once(first).chain(read) {
            match client {
                Client::Both => {
                    set(&mut self.consumer, &name, &value);
                    set(&mut self.producer, &name, &value);
                }
                Client::Consumer => set(&mut self.consumer, &name, &value),
                Client::Producer => set(&mut self.producer, &name, &value),
            }
        }
        Ok(())
    }

    /// Removes a property from both clients and returns its value.
    ///
    /// # Errors
    /// When the values of the clients differ.
    pub(super) fn take(&mut self, name: &str) -> Result<Option<String>, String> {
        match (take(&mut self.consumer, name), take(&mut self.producer, name)) {
            (Some(consumer), Some(producer)) if consumer != producer => Err(format!(
                "--kafka-properties: {name} of consumer and producer differ; a module supports one Kafka cluster only"
            )),
            (consumer, producer) => Ok(consumer.or(producer)),
        }
    }
}

fn set(properties: &mut Properties, name: &str, value: &str) {
    match properties.iter_mut().find(|(property, _)| property == name) {
        Some((_, before)) => value.clone_into(before),
        None => properties.push((name.to_owned(), value.to_owned())),
    }
}

fn take(properties: &mut Properties, name: &str) -> Option<String> {
    let position = properties.iter().position(|(property, _)| property == name)?;
    Some(properties.remove(position).1)
}

/// Reads the value of a secret, or the AWS CLI's JSON output for a secret or for parameters.
fn from_json(text: &str) -> Result<Vec<(Client, String, String)>, String> {
    const EXPECTED: &str = "expected an object of properties, or the JSON output of `aws secretsmanager \
                            get-secret-value` or `aws ssm get-parameters-by-path`";
    let Value::Object(object) = parse(text)? else { return Err(EXPECTED.to_owned()) };
    if let Some(parameters) = object.get("Parameters") {
        if object.get("NextToken").is_some_and(|token| !token.is_null()) {
            return Err("incomplete parameters, as there is a NextToken: fetch all pages".to_owned());
        }
        return parameters.as_array().ok_or(EXPECTED)?.iter().map(from_parameter).collect();
    }
    if let Some(secret) = object.get("SecretString") {
        let secret = secret.as_str().ok_or("SecretString is not a string")?;
        let Value::Object(object) = parse(secret).map_err(|error| format!("SecretString: {error}"))? else {
            return Err("SecretString: expected an object of properties".to_owned());
        };
        return from_object(object);
    }
    from_object(object)
}

fn parse(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("invalid or truncated JSON: {error}"))
}

fn from_object(object: Map<String, Value>) -> Result<Vec<(Client, String, String)>, String> {
    object
        .into_iter()
        .map(|(name, value)| {
            let value = match value {
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                Value::Bool(bool) => bool.to_string(),
                _ => return Err(format!("{name}: expected a string, a number or a boolean")),
            };
            Ok((Client::Both, name, value))
        })
        .collect()
}

/// Reads one parameter, whose name ends with the client's folder and the property.
fn from_parameter(parameter: &Value) -> Result<(Client, String, String), String> {
    let text = |name| parameter[name].as_str().ok_or_else(|| format!("parameter without {name}"));
    let (path, value) = (text("Name")?, text("Value")?);
    let client = path.rsplit_once('/').and_then(|(folder, name)| {
        let folder = folder.rsplit('/').next()?;
        let (_, client) = FOLDERS.iter().find(|(known, _)| *known == folder)?;
        Some((*client, name.to_owned(), value.to_owned()))
    });
    client.filter(|(_, name, _)| !name.is_empty()).ok_or_else(|| {
        let [(consumer, _), (producer, _)] = FOLDERS;
        format!("parameter {path}: expected …/{consumer}/PROPERTY or …/{producer}/PROPERTY")
    })
}
