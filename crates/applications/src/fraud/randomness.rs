//! Deterministic pseudo-random numbers: a retried request has to get the same response bytes.

use std::ops::RangeInclusive;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// A number in `range` that depends on `seed` only.
pub fn pick(seed: &str, range: RangeInclusive<i32>) -> i32 {
    numbers(seed).random_range(range)
}

/// A random number generator whose output depends on `seed` only.
pub(super) fn numbers(seed: &str) -> ChaCha8Rng {
    ChaCha8Rng::from_seed(Sha256::digest(seed).into())
}
