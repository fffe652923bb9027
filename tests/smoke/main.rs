//! The command interpreter by which StateFun's own SDKs are tested: what it does must be what theirs does.

mod effects;
mod golden;
mod random;
