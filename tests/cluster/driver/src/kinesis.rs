use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::broker::{Broker, Keyed, Record};
use crate::cluster::wait;

/// The stand-in of Kinesis. A handful of requests is asked of it, so curl, which can sign them, is client enough.
#[derive(Debug, Clone)]
pub(crate) struct Kinesis {
    url: String,
}

impl Kinesis {
    pub(crate) fn at(port: &str) -> Self {
        Self { url: format!("http://127.0.0.1:{port}/") }
    }

    fn ask(&self, action: &str, request: &Value) -> Result<Value> {
        let output = Command::new("curl")
            .args(["-sS", "--fail-with-body", "--max-time", "20"])
            .args(["--aws-sigv4", "aws:amz:us-east-1:kinesis", "--user", "example:example"])
            .args(["-H", &format!("X-Amz-Target: Kinesis_20131202.{action}")])
            .args(["-H", "Content-Type: application/x-amz-json-1.1", "-d", &request.to_string(), &self.url])
            .output()?;
        let text = String::from_utf8(output.stdout)?;
        if !output.status.success() {
            bail!("{action}: {text}{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? })
    }

    fn shards(&self, stream: &str) -> Result<Vec<Value>> {
        let description = self.ask("DescribeStream", &json!({"StreamName": stream}))?;
        let active = description["StreamDescription"]["StreamStatus"] == "ACTIVE";
        let shards = description["StreamDescription"]["Shards"].as_array().filter(|_| active);
        Ok(shards.into_iter().flatten().map(|shard| shard["ShardId"].clone()).collect())
    }
}

impl Broker for Kinesis {
    fn create(&self, names: &[&str]) -> Result<()> {
        let streams = self.ask("ListStreams", &json!({}))?;
        let exists = |name: &str| streams["StreamNames"].as_array().is_some_and(|names| names.contains(&name.into()));
        for name in names.iter().filter(|name| !exists(name)) {
            self.ask("CreateStream", &json!({"StreamName": name, "ShardCount": 2}))?;
            wait(&format!("stream {name}"), Duration::from_secs(30), || {
                Ok((!self.shards(name)?.is_empty()).then_some(()))
            })?;
        }
        Ok(())
    }

    fn send(&self, stream: &str, records: &[Keyed]) -> Result<()> {
        for (key, value) in records {
            // An empty partition key is refused; records of nobody have one of their own here.
            let key = if key.is_empty() { "-" } else { key };
            let record = json!({"StreamName": stream, "PartitionKey": key, "Data": STANDARD.encode(value)});
            self.ask("PutRecord", &record)?;
        }
        Ok(())
    }

    fn read_all(&self, stream: &str) -> Result<Vec<Record>> {
        let mut all = Vec::new();
        for shard in self.shards(stream)? {
            let from_the_start = json!({"StreamName": stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"});
            let mut iterator = self.ask("GetShardIterator", &from_the_start)?["ShardIterator"].clone();
            loop {
                let page = self.ask("GetRecords", &json!({"ShardIterator": iterator}))?;
                let records = page["Records"].as_array().context("no records")?;
                if records.is_empty() {
                    break;
                }
                for record in records {
                    let key = record["PartitionKey"].as_str().context("a record without a key")?.to_owned();
                    let value = STANDARD.decode(record["Data"].as_str().context("a record without data")?)?;
                    all.push(Record { key, value });
                }
                iterator = page["NextShardIterator"].clone();
            }
        }
        Ok(all)
    }
}
