-- Tracks at 1 Hz, as the centre thinned them.
CREATE TABLE view_track_points (
    track BLOB    NOT NULL,
    at    INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    lat   REAL    NOT NULL,
    lon   REAL    NOT NULL,
    alt   REAL,
    ve    REAL    NOT NULL,
    vn    REAL    NOT NULL,
    vu    REAL    NOT NULL,
    state TEXT    NOT NULL,
    PRIMARY KEY (track, at)
) STRICT, WITHOUT ROWID;
