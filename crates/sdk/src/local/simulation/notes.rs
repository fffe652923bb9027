//! What a schedule says of its steps, where somebody will read it.

use super::repeat;
use super::world::World;
use crate::local::Emitted;
use crate::{Address, TypedValue};

impl<W: 'static> World<'_, W> {
    pub(super) fn note(&mut self, step: impl FnOnce() -> String) {
        let now = self.now.cluster.timers.now();
        if let Some(timeline) = &mut self.timeline {
            timeline.0.push((now, step()));
        }
    }

    pub(super) fn note_request(&mut self, position: usize, begins: bool, done: bool) {
        let events = std::mem::take(&mut self.dependency.calls().events);
        events.into_iter().for_each(|event| self.note(|| event));
        let in_flight = &self.in_flight[position];
        let (target, release) = (in_flight.target.clone(), in_flight.release);
        if begins {
            let batch = repeat::batch(&in_flight.request).unwrap_or_default();
            let messages = batch.invocations.into_iter().map(|invocation| {
                TypedValue::from_wire(invocation.argument).map_or_else(|| "?".to_owned(), |value| shown(&value))
            });
            let messages: Vec<_> = messages.collect();
            let by = if self.processes.len() > 1 { format!(" by release {release}") } else { String::new() };
            let waits = if done { "" } else { ", and waits" };
            self.note(|| format!("{target} handles {}{by}{waits}", messages.join(" then ")));
        } else if done {
            self.note(|| format!("{target} is done"));
        }
    }

    /// The records behind the first `before`.
    pub(super) fn note_records(&mut self, target: &Address, before: usize) {
        let records = self.now.cluster.emitted[before..].iter();
        let lines = records.map(|Emitted { egress, record }| format!("  {target} emits to {egress}: {record:?}"));
        let lines: Vec<_> = lines.collect();
        lines.into_iter().for_each(|line| self.note(|| line));
    }
}

/// A message as it is read best.
pub(super) fn shown(value: &TypedValue) -> String {
    const LONGEST: usize = 120;
    let text = value.get::<String>().ok();
    let text = text.or_else(|| std::str::from_utf8(value.value()).ok().map(str::to_owned));
    let text = text.filter(|text| !text.chars().any(char::is_control));
    let name = value.type_name().rsplit('/').next().unwrap_or_default();
    match text {
        Some(text) if text.is_empty() => name.to_owned(),
        Some(text) => format!("{name} {}", text.chars().take(LONGEST).collect::<String>()),
        None => match (value.get::<i32>(), value.get::<i64>()) {
            (Ok(number), _) => number.to_string(),
            (_, Ok(number)) => number.to_string(),
            _ => format!("{name} of {} bytes", value.value().len()),
        },
    }
}
