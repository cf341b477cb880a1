-- Every version of every notice.
-- A bulletin has no track and nobody that it protects.
-- `late`: it went out before it was durable, as a later entry says.
CREATE TABLE view_notices (
    id          BLOB    NOT NULL,
    version     INTEGER NOT NULL,
    entry       INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    late        INTEGER NOT NULL,
    state       TEXT    NOT NULL,
    level       TEXT    NOT NULL,
    track       BLOB,
    protected   TEXT,
    at          INTEGER NOT NULL,
    content     BLOB    NOT NULL,
    PRIMARY KEY (id, version)
) STRICT, WITHOUT ROWID;

CREATE INDEX view_notices_entry ON view_notices (entry);

-- Each notice once: its first entry, by which they are listed, its newest version, and whether it is over.
CREATE TABLE view_notice_heads (
    entry   INTEGER PRIMARY KEY,
    id      BLOB    NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    open    INTEGER NOT NULL
) STRICT;

CREATE INDEX view_notice_heads_open ON view_notice_heads (entry) WHERE open = 1;
