-- How the writer's connection behaves. FULL: each commit syncs the write-ahead log before it is answered.
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
-- Folded into the database every 2,000 pages (8 MiB), and cut down after it had to grow.
PRAGMA wal_autocheckpoint = 2000;
PRAGMA journal_size_limit = 67108864;
-- What is deleted is overwritten.
PRAGMA secure_delete = ON;
-- Nothing of ours lies about in temporary files, and a full disk stops no query.
PRAGMA temp_store = MEMORY;
PRAGMA cache_size = -16000;
PRAGMA trusted_schema = OFF;
