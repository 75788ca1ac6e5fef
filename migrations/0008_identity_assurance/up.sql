-- What a session has shown of its owner, the latest time of each method. since is when what was shown was made or
-- chosen: what is new approves no money for a day (A62), and only what is old opens some things (A50).
CREATE TABLE session_proof (
    account_id BYTEA NOT NULL,
    session_id BYTEA NOT NULL,
    method TEXT NOT NULL,
    at BIGINT NOT NULL,
    since BIGINT,
    PRIMARY KEY (account_id, session_id, method)
) {clustered};
CREATE INDEX session_proof_at ON session_proof (at);

-- A sensitive action that waits for a proof of its own: what was typed is sealed here, and only here (step-up).
-- target is what the messages with its codes call its object, sealed too (A15). old_only: nothing but what has been
-- with the account for long proves it (A50).
CREATE TABLE step_up (
    account_id BYTEA NOT NULL,
    step_id BYTEA NOT NULL,
    session_id BYTEA NOT NULL,
    action TEXT NOT NULL,
    payload BYTEA NOT NULL,
    payload_mac BYTEA NOT NULL,
    target BYTEA,
    shown TEXT NOT NULL,
    old_only BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    proved_at BIGINT,
    used_at BIGINT,
    PRIMARY KEY (account_id, step_id)
) {clustered};
CREATE INDEX step_up_expires ON step_up (expires_at);

-- When something that leads to the account was last taken away or replaced (A50).
CREATE TABLE slice (
    account_id BYTEA NOT NULL PRIMARY KEY,
    taken_at BIGINT NOT NULL
) {clustered};

-- The bank section of a session while it is open (ID-9).
CREATE TABLE bank_section (
    account_id BYTEA NOT NULL,
    session_id BYTEA NOT NULL,
    method TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, session_id)
) {clustered};
CREATE INDEX bank_section_opened ON bank_section (opened_at);

-- Secrets that people choose: hashed slowly, and the hash sealed with the account's data key (ID-3, RE-9).
-- tries_left counts down to zero for the passcode and the code word; the password rests instead.
CREATE TABLE secret (
    account_id BYTEA NOT NULL,
    kind TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    set_at BIGINT NOT NULL,
    tries_left BIGINT NOT NULL,
    wrong_in_row BIGINT NOT NULL,
    wrong BYTEA NOT NULL,
    rest_until BIGINT,
    PRIMARY KEY (account_id, kind)
) {clustered};

-- Public halves of the keys that browsers made for the passcode (ID-3).
CREATE TABLE device_key (
    account_id BYTEA NOT NULL,
    key_id BYTEA NOT NULL,
    browser_hash BYTEA NOT NULL,
    public_key BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, key_id)
) {clustered};

-- Passkeys. The credential and its name are sealed; found by the hash of the credential's id (ID-5, A61).
-- wrong_in_row counts answers in its name that were not taken, for the owner to hear of at five.
CREATE TABLE passkey (
    account_id BYTEA NOT NULL,
    passkey_id BYTEA NOT NULL,
    credential BYTEA NOT NULL,
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT,
    suspected_at BIGINT,
    wrong_in_row BIGINT NOT NULL,
    PRIMARY KEY (account_id, passkey_id)
) {clustered};
CREATE TABLE passkey_owner (
    credential BYTEA NOT NULL PRIMARY KEY,
    account_id BYTEA NOT NULL,
    passkey_id BYTEA NOT NULL,
    claimed_at BIGINT NOT NULL
) {clustered};
CREATE TABLE passkey_user (
    account_id BYTEA NOT NULL PRIMARY KEY,
    sealed BYTEA NOT NULL,
    made_at BIGINT NOT NULL
) {clustered};

-- What the server asked an authenticator or a device key to sign; used once, bound to one browser (A59).
CREATE TABLE ceremony (
    browser BYTEA NOT NULL,
    ceremony_id BYTEA NOT NULL,
    purpose TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (browser, ceremony_id)
) {clustered};
CREATE INDEX ceremony_expires ON ceremony (expires_at);

-- Authenticator apps (ID-8). last_step is the time step of the last code taken: none is taken twice. Until the
-- first code confirms it, the secret is shown only to the session that made it.
CREATE TABLE totp (
    account_id BYTEA NOT NULL PRIMARY KEY,
    session_id BYTEA NOT NULL,
    sealed BYTEA NOT NULL,
    made_at BIGINT NOT NULL,
    confirmed_at BIGINT,
    last_step BIGINT NOT NULL,
    wrong_in_row BIGINT NOT NULL,
    wrong BYTEA NOT NULL,
    rest_until BIGINT
) {clustered};

-- Backup codes, as keyed hashes; a new set removes the old one (ID-8). void_at: a restored backup may hold codes
-- that were used after it was taken, so none of them counts any more; the owner is told at the next sign-in (F18).
CREATE TABLE backup_code (
    account_id BYTEA NOT NULL,
    code_hash BYTEA NOT NULL,
    made_at BIGINT NOT NULL,
    used_at BIGINT,
    void_at BIGINT,
    PRIMARY KEY (account_id, code_hash)
) {clustered};
-- Wrong tries at the backup codes of an account.
CREATE TABLE backup_tries (
    account_id BYTEA NOT NULL PRIMARY KEY,
    wrong_in_row BIGINT NOT NULL,
    wrong BYTEA NOT NULL,
    rest_until BIGINT
) {clustered};

-- Whether sign-in always asks for the second factor (no row: it does not) (ID-8).
CREATE TABLE second_factor (
    account_id BYTEA NOT NULL PRIMARY KEY,
    since BIGINT NOT NULL
) {clustered};

-- A computer that waits for a signed-in phone to let it in (ID-7).
CREATE TABLE handover (
    request BYTEA NOT NULL PRIMARY KEY,
    browser BYTEA NOT NULL,
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    account_id BYTEA,
    session_id BYTEA,
    tries BIGINT NOT NULL,
    approved_at BIGINT,
    refused_at BIGINT,
    used_at BIGINT
) {clustered};
CREATE INDEX handover_expires ON handover (expires_at);

-- People who may freeze the account and never enter it (ID-8a).
CREATE TABLE trusted_person (
    account_id BYTEA NOT NULL,
    subject BYTEA NOT NULL,
    sealed BYTEA NOT NULL,
    named_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, subject)
) {clustered};

-- A number that its operator says has changed hands or SIM: a name, no longer a key (ID-8a).
CREATE TABLE doubted_identifier (
    subject BYTEA NOT NULL PRIMARY KEY,
    reason TEXT NOT NULL,
    since BIGINT NOT NULL
) {clustered};
