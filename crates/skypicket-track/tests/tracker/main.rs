//! The tracker as its callers see it: whole stories, properties of any input, real captures.

// `cfg(test)` is always so here; it tells clippy that helpers may unwrap and print as tests do.
#[cfg(test)]
mod acts;
#[cfg(test)]
mod behaviour;
#[cfg(test)]
mod capture;
#[cfg(test)]
mod common;
#[cfg(test)]
mod flood;
#[cfg(test)]
mod properties;
