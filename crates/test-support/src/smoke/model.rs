//! Random commands, and a model that knows what must come of them. Shared with the tests on the real cluster.

use std::collections::BTreeMap;

use rand::Rng;
use rand::rngs::StdRng;

use super::function::{AsyncOperation, CancelSendAfter, Command, Commands, Empty, Kind, Send, SendAfter};

/// What must have happened once no message is left.
pub struct Model {
    instances: i32,
    /// The counter of each instance that has one.
    pub counts: BTreeMap<i32, i64>,
    /// How many records went to the sink for what is discarded.
    pub discarded: usize,
    tokens: usize,
}

impl Model {
    /// Before any command, with instances `0..instances`.
    pub fn new(instances: i32) -> Self {
        Self { instances, counts: BTreeMap::new(), discarded: 0, tokens: 0 }
    }

    /// Makes up commands for instance `id` and notes what must come of them; `counts` is whether they will ever run.
    pub fn commands(&mut self, random: &mut StdRng, id: i32, depth: u32, counts: bool) -> Commands {
        let mut commands = Vec::new();
        for _ in 0..random.random_range(0..=3) {
            let target = random.random_range(0..self.instances);
            let kind = match random.random_range(0..if depth == 0 { 2 } else { 7 }) {
                0 => {
                    *self.counts.entry(id).or_default() += i64::from(counts);
                    Kind::Increment(Empty {})
                }
                1 => {
                    self.discarded += usize::from(counts);
                    Kind::SendEgress(Empty {})
                }
                2 | 3 => {
                    let commands = Some(self.commands(random, target, depth - 1, counts));
                    Kind::Send(Send { target, commands })
                }
                4 => {
                    let commands = Some(self.commands(random, target, depth - 1, counts));
                    let cancellation_token = if random.random() { self.token() } else { String::new() };
                    Kind::SendAfter(SendAfter { target, commands, cancellation_token })
                }
                5 => {
                    let cancellation_token = self.token();
                    let doomed = Some(self.commands(random, target, depth - 1, false));
                    let send = SendAfter { target, commands: doomed, cancellation_token: cancellation_token.clone() };
                    commands.push(Command { kind: Some(Kind::SendAfter(send)) });
                    Kind::CancelSendAfter(CancelSendAfter { target, cancellation_token })
                }
                _ => {
                    let resolved_commands = Some(self.commands(random, id, depth - 1, counts));
                    Kind::AsyncOperation(AsyncOperation { failure: false, resolved_commands })
                }
            };
            commands.push(Command { kind: Some(kind) });
        }
        Commands { command: commands }
    }

    fn token(&mut self) -> String {
        self.tokens += 1;
        format!("token {}", self.tokens)
    }
}
