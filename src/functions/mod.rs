//! The functions that the server hosts.
