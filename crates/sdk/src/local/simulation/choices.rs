//! Numbers that follow from a seed alone, on every platform and with every release of this crate's dependencies.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

#[derive(Clone)]
pub(super) struct Choices(Xoshiro256PlusPlus);

impl Choices {
    pub(super) fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// A number below `end`; 0 where that is 0. Small ones are as likely as others but for 2^-32 or less.
    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.0.next_u64() % (end as u64).max(1)) as usize
    }

    pub(super) fn chance(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0.next_u64()
    }
}
