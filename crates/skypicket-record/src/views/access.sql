-- The access audit: who read what, and what was done about who may. `id` is the entry and the place in it: rows are in
-- the order in which they were recorded, and so by time.
CREATE TABLE view_access (
    id      INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    person  TEXT,
    deed    TEXT    NOT NULL,
    first   INTEGER NOT NULL,
    last    INTEGER NOT NULL,
    content BLOB    NOT NULL
) STRICT;

CREATE INDEX view_access_at ON view_access (at);
CREATE INDEX view_access_person ON view_access (person, id);
CREATE INDEX view_access_deed ON view_access (deed, id);

-- Whom a row is about; '' is everybody.
CREATE TABLE view_access_about (
    person TEXT    NOT NULL,
    id     INTEGER NOT NULL,
    PRIMARY KEY (person, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX view_access_about_id ON view_access_about (id);
