//! The tests that start cargo, which has needs of its own on a fresh machine: `.ci/run` runs them with an empty home.

mod dependencies;
mod ui;
