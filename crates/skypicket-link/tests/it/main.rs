//! Connectors on real sockets and files, with a stand-in for the centre. No test waits by the clock for something to
//! happen: each waits for the call or the bytes themselves, under one generous limit.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests fail as tests do

mod capture;
mod carry;
mod centre;
mod feed;
mod lines;
mod tak;
