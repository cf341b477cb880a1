//! The engine of scans: its parts against the textbook and against enumeration, and what holds of the whole for any input.

// `cfg(test)` is always so here; it tells clippy that helpers may unwrap and print as tests do.
#[cfg(test)]
mod guesses;
#[cfg(test)]
mod lone;
#[cfg(test)]
mod parts;
#[cfg(test)]
mod whole;
