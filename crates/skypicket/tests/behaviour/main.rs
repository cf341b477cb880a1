//! Behaviour of the real binary on loopback: one module for each promise to the people who use it.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests: a failure is a failed test

#[path = "../support/mod.rs"]
mod support;

mod accounts;
mod alarms;
mod attack;
mod audit;
mod board;
mod bulletins;
mod cap;
mod cap_feed;
mod captures;
mod carriers;
mod courageous;
mod decoding;
mod drafts;
mod evaluation;
mod feeds;
mod intelligence;
mod interruptions;
mod library;
mod links;
mod log;
mod machines;
mod measures;
mod people;
mod permissions;
mod push;
mod refusals;
mod registration;
mod renderings;
mod replies;
mod reports;
mod schema;
mod search;
mod service;
mod slow_disk;
mod start_and_stop;
mod tak;
mod thousand;
mod tls;
mod tracks;
mod upkeep;
mod warning;
