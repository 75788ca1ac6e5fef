-- Whose cases: an account, or where an identifier leads to none, an id made of its blind index, so that both take the
-- same rows by the same work (A2). Locked before its cases are counted (A40).
CREATE TABLE recovery_holder (
    holder BYTEA NOT NULL PRIMARY KEY,
    touched_at BIGINT NOT NULL
) {clustered};
CREATE INDEX recovery_holder_touched ON recovery_holder (touched_at);

-- A recovery case. claim, phone and facts are sealed with data_key, which is the case's own: without it they are gone.
-- phone_subject is the blind index of the phone to be used, phone_proved_at the proof of that very value (A42).
-- stop_hash: the link in the messages to the old channels (A38). surplus: beyond the account's limit (A40).
CREATE TABLE recovery_case (
    holder BYTEA NOT NULL,
    case_id BYTEA NOT NULL,
    data_key BYTEA,
    claim BYTEA NOT NULL,
    state TEXT NOT NULL,
    surplus BOOLEAN NOT NULL,
    opened_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    closed_at BIGINT,
    stop_hash BYTEA,
    phone BYTEA,
    phone_subject BYTEA,
    phone_proved_at BIGINT,
    facts BYTEA,
    saved_at BIGINT,
    PRIMARY KEY (holder, case_id)
) {clustered};
CREATE INDEX recovery_case_due ON recovery_case (state, expires_at);
CREATE INDEX recovery_case_closed ON recovery_case (closed_at);
CREATE INDEX recovery_case_key ON recovery_case (data_key);

-- Which case a number names, by the number's blind index.
CREATE TABLE recovery_number (
    number BYTEA NOT NULL PRIMARY KEY,
    holder BYTEA NOT NULL,
    case_id BYTEA NOT NULL,
    made_at BIGINT NOT NULL
) {clustered};
CREATE INDEX recovery_number_made ON recovery_number (made_at);

-- Which case one browser works on. The browser holds only the random token of its sitting.
CREATE TABLE recovery_seat (
    browser BYTEA NOT NULL PRIMARY KEY,
    holder BYTEA NOT NULL,
    case_id BYTEA NOT NULL,
    seated_at BIGINT NOT NULL
) {clustered};
CREATE INDEX recovery_seat_seated ON recovery_seat (seated_at);
