//! [`Refusal`]: why an act of a person is not taken.

/// Why an act is not taken: a fixed word for programs and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// One of a closed set per engine (`not_found`, `superseded` …).
    pub code: &'static str,
    /// One sentence for the person; holds nothing that they may not see.
    pub message: String,
}

impl Refusal {
    /// A refusal.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}
