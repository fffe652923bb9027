//! Serves a registry of stateful functions over HTTP.
