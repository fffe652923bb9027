//! Stored answers. Which one belongs to a request is told by its length, which differs between all of them.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use prost::Message;

mod protocol {
    include!(concat!(env!("OUT_DIR"), "/io.statefun.sdk.reqreply.rs"));
}

use protocol::{FromFunction, ToFunction};

#[derive(Default)]
pub struct Replay {
    answers: HashMap<usize, (Bytes, FromFunction)>,
}

impl Replay {
    /// Reads every pair of NAME.req and NAME.resp in a folder.
    pub fn load(folder: &Path) -> Result<Self> {
        let mut replay = Self::default();
        for entry in std::fs::read_dir(folder).with_context(|| format!("requests in {}", folder.display()))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "req") {
                let request = std::fs::read(&path)?;
                let answer = Bytes::from(std::fs::read(path.with_extension("resp"))?);
                let decoded = FromFunction::decode(answer.clone())?;
                let other = replay.answers.insert(request.len(), (answer, decoded));
                ensure!(other.is_none(), "{} is as long as another request", path.display());
            }
        }
        Ok(replay)
    }

    fn find(&self, length: usize) -> Result<&(Bytes, FromFunction)> {
        self.answers.get(&length).with_context(|| format!("no stored request has {length} bytes"))
    }

    /// The answer as it lies in memory.
    pub fn stored(&self, body: &[u8]) -> Result<Bytes> {
        Ok(self.find(body.len())?.0.clone())
    }

    /// The answer encoded, after all of the request was decoded.
    pub fn coded(&self, body: Bytes) -> Result<Bytes> {
        let (_, answer) = self.find(body.len())?;
        std::hint::black_box(ToFunction::decode(body)?);
        Ok(answer.encode_to_vec().into())
    }
}
