-- Sightings in their latest state. `entry` is the first one about it, by which they are listed; `cell` is the H3 cell
-- (resolution 10) from which it was reported.
CREATE TABLE view_sightings (
    id        BLOB PRIMARY KEY,
    entry     INTEGER NOT NULL UNIQUE,
    reporter  TEXT    NOT NULL,
    verdict   TEXT    NOT NULL,
    stored_at INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    cell      INTEGER,
    content   BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX view_sightings_reporter ON view_sightings (reporter, entry);
CREATE INDEX view_sightings_verdict ON view_sightings (verdict, entry);
CREATE INDEX view_sightings_cell ON view_sightings (cell);
