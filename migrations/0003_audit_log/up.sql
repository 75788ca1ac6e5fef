-- What was done, by whom, on whose behalf and from where. Rows are only ever added; each carries the hash
-- of the one before it in its bucket. Personal details are sealed under the account's data key.
CREATE TABLE audit_entry (
    bucket BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    event_id BYTEA NOT NULL,
    account_id BYTEA,
    at BIGINT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id BYTEA,
    action TEXT NOT NULL,
    on_behalf BYTEA,
    session_id BYTEA,
    details BYTEA NOT NULL,
    prev_hash BYTEA NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (bucket, seq)
) {clustered};
CREATE INDEX audit_entry_account ON audit_entry (bucket, account_id, seq);

-- The newest row of each bucket; locked by whoever adds the next one.
CREATE TABLE audit_head (
    bucket BIGINT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash BYTEA NOT NULL
) {table};

-- The heads as the last seal saw them.
CREATE TABLE audit_sealed (
    bucket BIGINT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash BYTEA NOT NULL
) {table};

-- Signed statements of what the heads were, one a minute, chained to one another.
CREATE TABLE audit_seal (
    number BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    changed BYTEA NOT NULL,
    root BYTEA NOT NULL,
    prev_hash BYTEA NOT NULL,
    hash BYTEA NOT NULL,
    public_key BYTEA NOT NULL,
    signature BYTEA NOT NULL
) {table};
