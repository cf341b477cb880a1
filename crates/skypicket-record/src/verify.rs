//! What a verification found: [`Report`].

use skypicket_model::LogId;

/// Most faults that are listed one by one.
pub const MAX_FAULTS: usize = 1_000;

/// What a verification of the whole record found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Which log.
    pub log: LogId,
    /// The public key that checkpoints are signed with now, as signed-note text. Compare it with what was published.
    pub verifier_key: String,
    /// Every public key that checkpoints may be signed with, and from which size on; more than one after the key file
    /// was lost.
    pub verifier_keys: Vec<(String, u64)>,
    /// How many entries there are.
    pub entries: u64,
    /// How many items, purged ones not counted.
    pub items: u64,
    /// How many items were purged: only their commitments are left.
    pub purged: u64,
    /// Root of the tree, computed anew from the headers: base64, as on a checkpoint.
    pub root: String,
    /// How many signed checkpoints agree with it.
    pub checkpoints: u64,
    /// What is wrong, at most [`MAX_FAULTS`] of it.
    pub faults: Vec<Fault>,
    /// How much is wrong altogether.
    pub fault_count: u64,
}

impl Report {
    /// Nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.fault_count == 0
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The entry, or the first one of several; `None` for the record as a whole.
    pub entry: Option<u64>,
    /// What.
    pub kind: FaultKind,
    /// The same in words.
    pub message: String,
}

/// What can be wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    /// There is no entry of this index, though there are later ones.
    #[error("missing")]
    Missing,
    /// The database cannot give it back.
    #[error("unreadable: {0}")]
    Unreadable(String),
    /// The header does not read.
    #[error("header: {0}")]
    Header(String),
    /// A column says something else than the header.
    #[error("column {0} differs from the header")]
    Column(&'static str),
    /// The stored leaf hash is not the header's.
    #[error("the leaf hash is not the header's")]
    Leaf,
    /// Recorded before the entry before it.
    #[error("recorded before the entry before it")]
    TimeRunsBack,
    /// Its cause does not come before it.
    #[error("its cause does not come before it")]
    Cause,
    /// Another number of items than the header says.
    #[error("{found} items, {expected} in the header")]
    ItemCount {
        /// How many there are.
        found: u64,
        /// How many there should be.
        expected: u64,
    },
    /// An item is not what was committed to.
    #[error("item {0} is not what was committed to")]
    Item(i64),
    /// The items' commitments do not give the root in the header.
    #[error("the items' commitments do not give the root in the header")]
    ItemsRoot,
    /// Committed to as it is, but not readable.
    #[error("content: {0}")]
    Content(String),
    /// Items of an entry that is not there.
    #[error("items without an entry")]
    Orphans,
    /// A stored node of the tree is not what the entries give.
    #[error("node {number} of level {level} is not what the entries give")]
    Node {
        /// Its level.
        level: u32,
        /// Its number.
        number: u64,
    },
    /// The stored peaks of the tree are not what the entries give.
    #[error("the stored tree is not what the entries give")]
    Tree,
    /// A checkpoint's signature, form or key is wrong.
    #[error("checkpoint of {size} entries: {why}")]
    Checkpoint {
        /// Its size.
        size: u64,
        /// What is wrong.
        why: String,
    },
    /// A checkpoint says another root than the entries give: history was changed after it was signed.
    #[error("the checkpoint of {size} entries says another root: something from entry {agreed} on was changed since")]
    History {
        /// Its size.
        size: u64,
        /// Size of the last checkpoint before that agrees: the change is at this entry or after it.
        agreed: u64,
    },
    /// The database file itself is damaged.
    #[error("database: {0}")]
    Database(String),
}
