-- The record itself. What is here is the truth; every view_* table can be made again from it.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row an entry. `header` is what is committed to; the columns before it only repeat it, so that SQL can read them.
CREATE TABLE entries (
    idx         INTEGER PRIMARY KEY,
    recorded_at INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    cause       INTEGER,
    item_count  INTEGER NOT NULL,
    items_root  BLOB    NOT NULL,
    header      BLOB    NOT NULL,
    leaf_hash   BLOB    NOT NULL
) STRICT;

-- One row an item, so that each can be purged alone: nonce and content go, the commitment stays (a tombstone).
CREATE TABLE items (
    entry       INTEGER NOT NULL REFERENCES entries (idx),
    ordinal     INTEGER NOT NULL,
    commitment  BLOB    NOT NULL,
    purge_after INTEGER,
    nonce       BLOB,
    content     BLOB,
    PRIMARY KEY (entry, ordinal),
    CHECK ((nonce IS NULL) = (content IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX items_purge_after ON items (purge_after) WHERE purge_after IS NOT NULL AND content IS NOT NULL;

-- The peaks of the log's tree, as of the last commit: one row.
CREATE TABLE tree (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    size  INTEGER NOT NULL,
    peaks BLOB    NOT NULL
) STRICT;

-- Full subtrees of 256 leaves and more, so that a proof reads few leaves.
CREATE TABLE tree_nodes (
    level  INTEGER NOT NULL,
    number INTEGER NOT NULL,
    hash   BLOB    NOT NULL,
    PRIMARY KEY (level, number)
) STRICT, WITHOUT ROWID;

-- Signed checkpoints, with the peaks at that size, so that opening need not start at the beginning.
CREATE TABLE checkpoints (
    size  INTEGER PRIMARY KEY,
    at    INTEGER NOT NULL,
    note  TEXT    NOT NULL,
    peaks BLOB    NOT NULL
) STRICT;

-- The public halves of the keys that signed them, and from which size on.
CREATE TABLE keys (
    verifier TEXT PRIMARY KEY,
    since    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Credentials and sessions: durable, but no history and in no tree.
CREATE TABLE private (
    kind  TEXT NOT NULL,
    key   TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
