//! Messages that wait for their function: one request in flight per address, the others queue up behind it.

use std::collections::{BTreeMap, VecDeque};

use crate::Address;
use crate::protocol::reqreply::{self, to_function};

/// A message on its way.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    pub(super) caller: Option<Address>,
    pub(super) argument: Option<reqreply::TypedValue>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Mailboxes {
    boxes: BTreeMap<Address, Mailbox>,
    /// The addresses that have messages and no request in flight, in the order in which they came to have them.
    ready: VecDeque<Address>,
}

#[derive(Debug, Clone, Default)]
struct Mailbox {
    messages: VecDeque<Pending>,
    /// How many of the first messages are in the request that is in flight.
    in_flight: usize,
}

impl Mailboxes {
    pub(super) fn push(&mut self, target: Address, message: Pending) {
        let mailbox = self.boxes.entry(target.clone()).or_default();
        mailbox.messages.push_back(message);
        if mailbox.messages.len() == 1 {
            self.ready.push_back(target);
        }
    }

    /// Takes the next address that may be sent a request, and marks what waits for it, at most `most`, as in flight.
    pub(super) fn next(&mut self, most: usize) -> Option<Address> {
        self.nth(0, most)
    }

    /// The same for any of the [`ready`](Self::ready) addresses.
    pub(super) fn nth(&mut self, position: usize, most: usize) -> Option<Address> {
        let target = self.ready.remove(position)?;
        let mailbox = self.boxes.entry(target.clone()).or_default();
        mailbox.in_flight = mailbox.messages.len().min(most);
        Some(target)
    }

    /// How many addresses may be sent a request.
    pub(super) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// The addresses that have a request in flight.
    pub(super) fn awaited(&self) -> impl Iterator<Item = &Address> {
        self.boxes.iter().filter(|(_, mailbox)| mailbox.in_flight > 0).map(|(target, _)| target)
    }

    /// The messages of the request that is in flight.
    pub(super) fn in_flight(&self, target: &Address) -> Vec<to_function::Invocation> {
        let Some(mailbox) = self.boxes.get(target) else { return Vec::new() };
        let messages = mailbox.messages.iter().take(mailbox.in_flight);
        let invocations = messages.map(|message| to_function::Invocation {
            caller: message.caller.clone().map(Address::into_wire),
            argument: message.argument.clone(),
        });
        invocations.collect()
    }

    /// The request in flight got its response: removes its messages.
    pub(super) fn done(&mut self, target: &Address) {
        let Some(mailbox) = self.boxes.get_mut(target) else { return };
        mailbox.messages.drain(..mailbox.in_flight);
        mailbox.in_flight = 0;
        if mailbox.messages.is_empty() {
            self.boxes.remove(target);
        } else {
            self.ready.push_back(target.clone());
        }
    }

    /// Nothing is in flight any more: what was will be sent again, first.
    pub(super) fn take_back(&mut self) {
        for (target, mailbox) in self.boxes.iter_mut().rev() {
            if std::mem::take(&mut mailbox.in_flight) > 0 {
                self.ready.push_front(target.clone());
            }
        }
    }
}
