-- Which entries are snapshots of the engines.
CREATE TABLE view_snapshots (
    entry       INTEGER PRIMARY KEY,
    recorded_at INTEGER NOT NULL,
    engines     INTEGER NOT NULL
) STRICT;
