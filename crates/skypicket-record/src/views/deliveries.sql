-- Deliveries in their latest state. `entry` is the first one about it, by which they are listed.
-- `sent_at` is the first attempt, `tried_at` the last one, `moved_at` when anything was heard of it last.
CREATE TABLE view_deliveries (
    id      BLOB PRIMARY KEY,
    entry   INTEGER NOT NULL UNIQUE,
    notice  BLOB    NOT NULL,
    version INTEGER NOT NULL,
    person  TEXT    NOT NULL,
    content BLOB    NOT NULL,
    sent_at      INTEGER,
    tried_at     INTEGER,
    delivered_at INTEGER,
    shown_at     INTEGER,
    moved_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX view_deliveries_notice ON view_deliveries (notice, entry);
CREATE INDEX view_deliveries_to ON view_deliveries (notice, person, version, entry);
CREATE INDEX view_deliveries_person ON view_deliveries (person, entry);
