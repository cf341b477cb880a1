-- Deliveries in their latest state. `entry` is the first one about it, by which they are listed.
CREATE TABLE view_deliveries (
    id      BLOB PRIMARY KEY,
    entry   INTEGER NOT NULL UNIQUE,
    notice  BLOB    NOT NULL,
    version INTEGER NOT NULL,
    person  TEXT    NOT NULL,
    content BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX view_deliveries_notice ON view_deliveries (notice, entry);
CREATE INDEX view_deliveries_person ON view_deliveries (person, entry);
