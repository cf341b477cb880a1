-- The first answer to each client-made request id, and other bodies that came under it (at most ten).
CREATE TABLE view_requests (
    person TEXT    NOT NULL,
    id     BLOB    NOT NULL,
    sha256 TEXT    NOT NULL,
    status INTEGER NOT NULL,
    answer TEXT    NOT NULL,
    entry  INTEGER NOT NULL,
    PRIMARY KEY (person, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX view_requests_id ON view_requests (id);

CREATE TABLE view_conflicts (
    entry  INTEGER PRIMARY KEY,
    person TEXT NOT NULL,
    id     BLOB NOT NULL,
    body   TEXT NOT NULL
) STRICT;

CREATE INDEX view_conflicts_of ON view_conflicts (person, id);
