-- What can be found: each sighting, report, bulletin and warning in its newest version, each once; a correction of a
-- bulletin that waits is a row of its own (`part` 1). `doc` comes from the first entry about it (twice its index plus the
-- part): things are listed by it. `entry` is the newest. `told` is the entry at which what can be found of it last
-- changed: saved searches go by it. `cell` is the H3 cell (resolution 10) of its place, `radius_m` how far its area
-- reaches around that, 0 for a point.
CREATE TABLE view_search (
    doc         INTEGER PRIMARY KEY,
    kind        TEXT    NOT NULL,
    id          BLOB    NOT NULL,
    part        INTEGER NOT NULL,
    entry       INTEGER NOT NULL,
    told        INTEGER NOT NULL,
    begins      INTEGER NOT NULL,
    ends        INTEGER NOT NULL,
    cell        INTEGER,
    radius_m    REAL,
    reliability INTEGER,
    credibility INTEGER,
    content     BLOB    NOT NULL,
    UNIQUE (kind, id, part)
) STRICT;

CREATE INDEX view_search_entry ON view_search (entry);
CREATE INDEX view_search_told ON view_search (told);

-- Their words, `rowid` is `doc`. English stems, no accents. `begun` has every word once more with a `0` at its end, which
-- keeps it from being stemmed, so that the beginning of a word finds it.
CREATE VIRTUAL TABLE view_search_text USING fts5 (
    title, text, begun, tokenize = "porter unicode61 remove_diacritics 2"
);
-- What is deleted leaves the index at once.
INSERT INTO view_search_text (view_search_text, rank) VALUES ('secure-delete', 1);
