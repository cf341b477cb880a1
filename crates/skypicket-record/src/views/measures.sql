-- What each person has done of a notice version's checklist, as they said it last.
CREATE TABLE view_measures (
    notice  BLOB    NOT NULL,
    person  TEXT    NOT NULL,
    version INTEGER NOT NULL,
    entry   INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    done    BLOB    NOT NULL,
    PRIMARY KEY (notice, person, version)
) STRICT, WITHOUT ROWID;
