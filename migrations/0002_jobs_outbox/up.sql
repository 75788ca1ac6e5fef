-- Work that outlives the process: every effect that leaves it is a row here first.
-- state: queued, leased, done, dead. run_at: when a runner may take the job next; of a leased job, when
-- its lease ends; NULL once finished. payload: sealed, NULL once finished.
CREATE TABLE job (
    bucket BIGINT NOT NULL,
    job_id BYTEA NOT NULL,
    kind TEXT NOT NULL,
    dedup BYTEA,
    payload BYTEA,
    state TEXT NOT NULL,
    run_at BIGINT,
    worthless_after BIGINT,
    lease_owner TEXT,
    tries BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    finished_at BIGINT,
    error_code TEXT,
    PRIMARY KEY (bucket, job_id)
) {clustered};
-- One job per key; jobs without a key are all different.
CREATE UNIQUE INDEX job_dedup ON job (bucket, kind, dedup);
-- What is due, by kind, without what is finished.
CREATE INDEX job_due ON job (kind, run_at, bucket) WHERE run_at IS NOT NULL;

-- When the periodic work is due, and who does it at present.
CREATE TABLE schedule (
    name TEXT NOT NULL PRIMARY KEY,
    due_at BIGINT NOT NULL,
    lease_until BIGINT,
    lease_owner TEXT
) {clustered};
