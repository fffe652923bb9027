//! Numbers that look random and are the same each time: a request that is sent again has to be answered with the same
//! bytes.

use std::ops::RangeInclusive;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// A number out of `range` that depends on `seed` alone.
pub fn pick(seed: &str, range: RangeInclusive<i32>) -> i32 {
    numbers(seed).random_range(range)
}

/// As many numbers as are wanted; they depend on `seed` alone.
pub(super) fn numbers(seed: &str) -> ChaCha8Rng {
    ChaCha8Rng::from_seed(Sha256::digest(seed).into())
}
