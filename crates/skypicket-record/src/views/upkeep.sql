-- What was done to the record as a whole, and which entries hold a configuration: found at once, however long the log.
CREATE TABLE view_upkeep (
    entry       INTEGER PRIMARY KEY,
    recorded_at INTEGER NOT NULL,
    what        TEXT    NOT NULL,
    content     BLOB
) STRICT;

CREATE INDEX view_upkeep_what ON view_upkeep (what, entry);
