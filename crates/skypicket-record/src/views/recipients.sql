-- The list of each notice version, and what each person on it did or did not do.
CREATE TABLE view_recipients (
    notice           BLOB    NOT NULL,
    version          INTEGER NOT NULL,
    person           TEXT    NOT NULL,
    entry            INTEGER NOT NULL,
    place            INTEGER NOT NULL,
    rule             TEXT,
    acknowledged_at  INTEGER,
    acknowledged_via TEXT,
    escalated_at     INTEGER,
    escalated_to     TEXT,
    silent_at        INTEGER,
    acknowledged_by  TEXT,
    call_status      TEXT,
    called_by        TEXT,
    called_at        INTEGER,
    lapsed_at        INTEGER,
    PRIMARY KEY (notice, version, person)
) STRICT, WITHOUT ROWID;

CREATE INDEX view_recipients_person ON view_recipients (person, notice);

CREATE TABLE view_escalations (
    entry   INTEGER PRIMARY KEY,
    notice  BLOB    NOT NULL,
    version INTEGER NOT NULL,
    person  TEXT    NOT NULL,
    to_whom TEXT,
    at      INTEGER NOT NULL,
    level   TEXT    NOT NULL
) STRICT;

CREATE INDEX view_escalations_notice ON view_escalations (notice, entry);
