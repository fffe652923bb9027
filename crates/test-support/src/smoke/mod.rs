//! The command interpreter by which StateFun's own SDKs are tested.

#![allow(missing_docs, reason = "the messages are those of StateFun's smoke suite")]

pub mod function;
pub mod model;
