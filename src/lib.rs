//! Rhumb runs operations procedures for OpenStack and Kubernetes clouds as Rhai runbooks.
