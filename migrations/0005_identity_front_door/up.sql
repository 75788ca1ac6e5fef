-- One person, one account. The data key is wrapped by a master key; without it nothing sealed below opens.
CREATE TABLE account (
    account_id BYTEA NOT NULL PRIMARY KEY,
    data_key BYTEA NOT NULL,
    locale TEXT NOT NULL,
    level TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    frozen_at BIGINT
) {clustered};

-- Which account an identifier leads to. Kept apart from the account, because it is found by value.
CREATE TABLE identifier (
    subject BYTEA NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    account_id BYTEA NOT NULL,
    claimed_at BIGINT NOT NULL
) {clustered};

-- The identifiers of an account, sealed with its data key.
CREATE TABLE account_identifier (
    account_id BYTEA NOT NULL,
    kind TEXT NOT NULL,
    subject BYTEA NOT NULL,
    sealed BYTEA NOT NULL,
    verified_at BIGINT NOT NULL,
    proved_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, kind)
) {clustered};

-- What is counted per identifier, whether or not an account stands behind it (ID-2, ID-2a, ID-2b).
CREATE TABLE code_subject (
    subject BYTEA NOT NULL PRIMARY KEY,
    serial BIGINT NOT NULL,
    step BIGINT NOT NULL,
    sends BYTEA NOT NULL,
    calls BYTEA NOT NULL,
    wrong_in_row BIGINT NOT NULL,
    wrong BYTEA NOT NULL,
    rest_until BIGINT
) {clustered};

-- What is counted per network, by the keyed hash of what is counted.
CREATE TABLE code_network (
    scope BYTEA NOT NULL PRIMARY KEY,
    stamps BYTEA NOT NULL,
    touched_at BIGINT NOT NULL
) {clustered};
CREATE INDEX code_network_touched ON code_network (touched_at);

-- What is counted per range of numbers (A19).
CREATE TABLE code_range (
    scope BYTEA NOT NULL PRIMARY KEY,
    sends BYTEA NOT NULL,
    sent BIGINT NOT NULL,
    used BIGINT NOT NULL,
    blocked_until BIGINT
) {clustered};

-- What the whole installation sends, spends and sees fail, in slots of five minutes and 64 buckets.
CREATE TABLE code_tally (
    bucket BIGINT NOT NULL,
    slot BIGINT NOT NULL,
    sent BIGINT NOT NULL,
    spent BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    wrong BIGINT NOT NULL,
    PRIMARY KEY (bucket, slot)
) {clustered};

-- The codes that were sent. A code itself is nowhere, only its keyed hash.
CREATE TABLE challenge (
    subject BYTEA NOT NULL,
    challenge_id BYTEA NOT NULL,
    purpose TEXT NOT NULL,
    channel TEXT NOT NULL,
    browser BYTEA NOT NULL,
    salt BYTEA NOT NULL,
    code_mac BYTEA NOT NULL,
    digits BIGINT NOT NULL,
    serial BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    tries_most BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    voided_at BIGINT,
    message_id BYTEA,
    PRIMARY KEY (subject, challenge_id)
) {clustered};
CREATE INDEX challenge_created ON challenge (created_at);

-- Where one browser stands with one purpose. The browser holds only a random token; this holds the rest.
CREATE TABLE code_flow (
    browser BYTEA NOT NULL,
    purpose TEXT NOT NULL,
    subject BYTEA NOT NULL,
    identifier BYTEA NOT NULL,
    challenge_id BYTEA NOT NULL,
    proved_at BIGINT,
    next TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (browser, purpose)
) {clustered};
CREATE INDEX code_flow_updated ON code_flow (updated_at);

-- Live sessions; an ended one is deleted, its history is in the audit log.
CREATE TABLE session (
    account_id BYTEA NOT NULL,
    session_id BYTEA NOT NULL,
    token_hash BYTEA NOT NULL,
    method TEXT NOT NULL,
    browser_hash BYTEA NOT NULL,
    device BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, session_id)
) {clustered};

-- Browsers an account has signed in with. Each has its own count of wrong tries, so that a stranger's
-- guessing does not shut the owner out of it (ID-2a).
CREATE TABLE known_browser (
    account_id BYTEA NOT NULL,
    browser_hash BYTEA NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    wrong_in_row BIGINT NOT NULL,
    wrong BYTEA NOT NULL,
    rest_until BIGINT,
    PRIMARY KEY (account_id, browser_hash)
) {clustered};

-- Links that go out in messages: «это не я» and «подтвердить почту». Only hashes of their tokens.
CREATE TABLE account_link (
    account_id BYTEA NOT NULL,
    token_hash BYTEA NOT NULL,
    purpose TEXT NOT NULL,
    payload BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (account_id, token_hash)
) {clustered};

-- Personal data, one sealed value; version counts its changes.
CREATE TABLE profile (
    account_id BYTEA NOT NULL PRIMARY KEY,
    sealed BYTEA NOT NULL,
    version BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
) {clustered};

-- What was agreed to or taken back, row by row, never edited (ID-12).
CREATE TABLE consent (
    account_id BYTEA NOT NULL,
    event_id BYTEA NOT NULL,
    kind TEXT NOT NULL,
    version TEXT NOT NULL,
    granted BOOLEAN NOT NULL,
    source TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (account_id, event_id)
) {clustered};

-- Marketing that is on at present (no row: off).
CREATE TABLE subscription (
    account_id BYTEA NOT NULL,
    channel TEXT NOT NULL,
    topic TEXT NOT NULL,
    version TEXT NOT NULL,
    source TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (account_id, channel, topic)
) {clustered};
