//! Bytes ↔ values, one folder per outside format, in the standard's own words.
//!
//! Everything here is pure: no I/O, no clock, no thread. Every decoder takes any bytes at all without a panic, checks
//! each length before it reads or allocates, and says what was wrong at which byte offset. Nothing here decides what is
//! true: a decoded message is a claim. Not for moving bytes (that is `skypicket-link`).

pub mod adsb;
pub mod cap;
pub mod capture;
pub mod cot;
pub mod courageous;
pub mod dji_droneid;
pub mod feed;
pub mod french_id;
pub mod hex;
pub mod json;
pub mod mavlink;
pub mod netrid;
pub mod observation_line;
pub mod receivers;
pub mod relayed;
pub mod remote_id;
pub mod render;
pub mod reply;
pub mod zmtp;
