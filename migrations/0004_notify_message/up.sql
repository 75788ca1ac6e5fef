-- A message to a person: what became of it. The text and the address travel in the job, sealed, and are
-- destroyed with it; here stands only what a page shows. `subject` is the blind index of the address.
CREATE TABLE message (
    message_id BYTEA NOT NULL PRIMARY KEY,
    subject BYTEA NOT NULL,
    channel TEXT NOT NULL,
    purpose TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    queued_at BIGINT NOT NULL,
    handed_at BIGINT,
    settled_at BIGINT,
    carrier TEXT,
    tries BIGINT NOT NULL,
    unsure BIGINT NOT NULL
) {clustered};
CREATE INDEX message_queued ON message (queued_at);

-- A carrier's name for a message, and its report when it came. The report may come before we have written
-- down whose it is, so either side makes the row and the other completes it.
CREATE TABLE carrier_reference (
    reference TEXT NOT NULL,
    carrier TEXT NOT NULL,
    message_id BYTEA,
    state TEXT,
    reason TEXT,
    at BIGINT NOT NULL,
    PRIMARY KEY (reference, carrier)
) {clustered};
CREATE INDEX carrier_reference_at ON carrier_reference (at);

-- Addresses not to be written to by a channel: hard bounces, and people who asked us not to.
CREATE TABLE suppression (
    subject BYTEA NOT NULL,
    channel TEXT NOT NULL,
    reason TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (subject, channel)
) {clustered};
