-- Which entries hold the content of an intelligence report: acts, states, and other bodies that came under the id of a
-- request that filed or changed it. `cleared`: its content is gone, and the report is not said to be out of the record.
CREATE TABLE view_report_entries (
    report  BLOB    NOT NULL,
    entry   INTEGER NOT NULL,
    person  TEXT,
    request BLOB,
    cleared INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (report, entry)
) STRICT, WITHOUT ROWID;

CREATE INDEX view_report_entries_entry ON view_report_entries (entry);
CREATE INDEX view_report_entries_request ON view_report_entries (request) WHERE request IS NOT NULL;

-- Reports that people purged: the entry that says so, and whether their content is out of the record.
CREATE TABLE view_report_ends (
    report BLOB    PRIMARY KEY,
    entry  INTEGER NOT NULL,
    done   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX view_report_ends_open ON view_report_ends (entry) WHERE done = 0;
