-- The latest time this database has seen (one row); holds stay honest across clock changes.
CREATE TABLE clock_mark (
    id BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL
) {table};

-- Keys of repeatable commands with the answers they were given.
CREATE TABLE idempotency (
    scope BYTEA NOT NULL,
    key TEXT NOT NULL,
    request_hash BYTEA NOT NULL,
    answer BYTEA,
    at BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
) {clustered};
CREATE INDEX idempotency_at ON idempotency (at);
