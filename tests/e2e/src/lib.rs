//! End-to-end tests: the programs as a person runs them.
