-- Changes of a phone or an e-mail that were made, so that they can be undone (CH-1, A48): what left, sealed.
CREATE TABLE identifier_change (
    account_id BYTEA NOT NULL,
    change_id BYTEA NOT NULL,
    kind TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    changed_at BIGINT NOT NULL,
    undone_at BIGINT,
    PRIMARY KEY (account_id, change_id)
) {clustered};

-- A change that waits for its time (CH-2): what it leads to, sealed; how often and when last the owner was told; since
-- when it is disputed. next_at is when something is to be done; nothing while it is disputed.
CREATE TABLE identifier_hold (
    account_id BYTEA NOT NULL,
    kind TEXT NOT NULL,
    hold_id BYTEA NOT NULL,
    sealed BYTEA NOT NULL,
    started_at BIGINT NOT NULL,
    told BIGINT NOT NULL,
    told_at BIGINT NOT NULL,
    disputed_at BIGINT,
    next_at BIGINT,
    PRIMARY KEY (account_id, kind)
) {clustered};
CREATE INDEX identifier_hold_next ON identifier_hold (next_at);
