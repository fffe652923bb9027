//! The properties of Kafka's clients, out of files: what an ingress consumes with and an egress produces with.
//!
//! Their values may be secrets, so no error shows one.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::properties;

/// Names and values.
pub(super) type Properties = Vec<(String, String)>;

/// What the files say of each client.
#[derive(Debug, Default)]
pub(super) struct Clients {
    pub(super) consumer: Properties,
    pub(super) producer: Properties,
}

/// Whose property it is.
#[derive(Debug, Clone, Copy)]
enum Client {
    Both,
    Consumer,
    Producer,
}

/// The folders of the parameter store, as `deploy/confluent` fills them.
const FOLDERS: [(&str, Client); 2] =
    [("consumer_kafka_client", Client::Consumer), ("producer_kafka_client", Client::Producer)];

/// Of the schema registry's client, which is nobody's here: its key has no place in a module.
const OF_THE_REGISTRY: [&str; 2] = ["schema.registry.", "basic.auth."];

impl Clients {
    /// Reads all files. What a later one says goes before what an earlier one said.
    ///
    /// # Errors
    /// When one cannot be read, is none of the forms, or has no property in it.
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
        let mut read = read.into_iter().filter(|(_, name, _)| !OF_THE_REGISTRY.iter().any(|it| name.starts_with(it)));
        let first = read.next().ok_or(
            "no property of a Kafka client in it, expected a .properties file or the JSON of a secret or of parameters",
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

    /// Takes a property out of both.
    ///
    /// # Errors
    /// When they do not agree on it.
    pub(super) fn take(&mut self, name: &str) -> Result<Option<String>, String> {
        match (take(&mut self.consumer, name), take(&mut self.producer, name)) {
            (Some(consumer), Some(producer)) if consumer != producer => Err(format!(
                "--kafka-properties: {name} of consumer and producer differ, and a module is of one cluster"
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

/// Reads the text of a secret, or what the command line of AWS prints of one, or of parameters.
fn from_json(text: &str) -> Result<Vec<(Client, String, String)>, String> {
    const FORMS: &str = "expected an object of properties, or what `aws secretsmanager get-secret-value` or \
                         `aws ssm get-parameters-by-path` prints as JSON";
    let Value::Object(object) = parse(text)? else { return Err(FORMS.to_owned()) };
    if let Some(parameters) = object.get("Parameters") {
        if object.get("NextToken").is_some_and(|token| !token.is_null()) {
            return Err("a part of the parameters only, it has a NextToken: fetch all of them".to_owned());
        }
        return parameters.as_array().ok_or(FORMS)?.iter().map(from_parameter).collect();
    }
    if let Some(secret) = object.get("SecretString") {
        let secret = secret.as_str().ok_or("SecretString is no text")?;
        let Value::Object(object) = parse(secret).map_err(|error| format!("SecretString: {error}"))? else {
            return Err("SecretString: expected an object of properties".to_owned());
        };
        return from_object(object);
    }
    from_object(object)
}

fn parse(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("no JSON, or cut short: {error}"))
}

fn from_object(object: Map<String, Value>) -> Result<Vec<(Client, String, String)>, String> {
    object
        .into_iter()
        .map(|(name, value)| {
            let value = match value {
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                Value::Bool(bool) => bool.to_string(),
                _ => return Err(format!("{name}: expected a text, a number, true or false")),
            };
            Ok((Client::Both, name, value))
        })
        .collect()
}

/// One parameter: its name ends with the client's folder and the property.
fn from_parameter(parameter: &Value) -> Result<(Client, String, String), String> {
    let text = |name| parameter[name].as_str().ok_or_else(|| format!("a parameter without a {name}"));
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
