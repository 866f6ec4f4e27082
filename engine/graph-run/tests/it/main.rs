//! The program from outside: its commands, exit codes, words, and what it leaves on disk.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so")]

mod batches;
mod collections;
mod commands;
mod decided;
mod folders;
mod foreign;
mod hostile;
mod interrupted;
mod looks;
mod network;
mod people;
mod pictures;
mod place;
mod settings;
mod tables;
mod templates;
