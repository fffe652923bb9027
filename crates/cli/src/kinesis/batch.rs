use std::collections::HashSet;

use crate::sink::Record;

/// The limits of one request.
const RECORDS: usize = 500;
const BYTES: usize = 5 * 1024 * 1024;

/// Records for one request. A key occurs only once, as the service may accept the second record of a key and reject the
/// first.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) records: Vec<Record>,
    keys: HashSet<String>,
    bytes: usize,
}

impl Batch {
    /// Adds a record, or returns it if it belongs to a later batch.
    pub(super) fn add(&mut self, record: Record) -> Result<(), Record> {
        let bytes = self.bytes + record.key.len() + record.value.len();
        let full = self.records.len() == RECORDS || bytes > BYTES && !self.records.is_empty();
        if full || !self.keys.insert(record.key.clone()) {
            return Err(record);
        }
        self.bytes = bytes;
        self.records.push(record);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: usize, bytes: usize) -> Record {
        Record { line: 1, key: format!("{key:03}"), value: vec![b'x'; bytes] }
    }

    #[test]
    fn a_key_occurs_once() {
        let mut batch = Batch::default();
        batch.add(record(1, 1)).expect("room");
        batch.add(record(2, 1)).expect("room");
        assert_eq!(batch.add(record(1, 2)), Err(record(1, 2)));
    }

    #[test]
    fn it_is_no_larger_than_a_request() {
        let mut batch = Batch::default();
        assert_eq!((0..).take_while(|key| batch.add(record(*key, 1)).is_ok()).count(), RECORDS);
        let mut batch = Batch::default();
        assert_eq!((0..).take_while(|key| batch.add(record(*key, 1024 * 1024 - 3)).is_ok()).count(), 5);
        assert!(Batch::default().add(record(1, 2 * BYTES)).is_ok(), "rejected by the service, not stuck");
    }
}
