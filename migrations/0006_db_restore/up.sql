-- Restores from a backup: at most one row. Without restored_at it was begun and never finished, and nothing
-- serves from such a database; without settled_at what the backup must not bring back (sessions, codes) has
-- yet to be voided.
CREATE TABLE db_restore (
    id BIGINT NOT NULL PRIMARY KEY,
    taken_at BIGINT NOT NULL,
    begun_at BIGINT NOT NULL,
    restored_at BIGINT,
    settled_at BIGINT
) {table};
