//! Every statement of this crate.
//!
//! `job` is sharded by `bucket`. Three statements read over all buckets, because nobody could ask 64
//! buckets five times a second: [`DUE`], [`NEXT_KIND`] and [`OLDEST`]. They decide nothing: a job is taken
//! only by [`LEASE`], which names its bucket and looks again.

db::statements! {
    /// Writes a job down; nothing when one of this kind with the same dedup key exists.
    ENQUEUE: "INSERT INTO job (bucket, job_id, kind, dedup, payload, state, run_at, worthless_after, tries, created_at)
              VALUES ($1, $2, $3, $4, $5, 'queued', $6, $7, 0, $8) ON CONFLICT DO NOTHING"
        (Int, Bytes, Text, OptBytes, Bytes, Int, OptInt, Int) -> ();
    /// The job that holds a dedup key.
    HOLDER: "SELECT job_id FROM job WHERE bucket = $1 AND kind = $2 AND dedup = $3"
        (Int, Text, Bytes) -> (Bytes);

    /// Global read: jobs of a kind that may be taken now, the longest due first.
    DUE: "SELECT bucket, job_id, tries, created_at, worthless_after, payload FROM job
          WHERE kind = $1 AND run_at <= $2 ORDER BY run_at LIMIT $3"
        (Text, Int, Int) -> (Int, Bytes, Int, Int, OptInt, OptBytes);
    /// Takes a job. The count of tries fences: who saw an older one comes too late.
    LEASE: "UPDATE job SET state = 'leased', lease_owner = $1, run_at = $2, tries = tries + 1
            WHERE bucket = $3 AND job_id IN (SELECT job_id FROM job
                WHERE bucket = $4 AND job_id = $5 AND tries = $6 AND run_at <= $7{skip_locked})"
        (Text, Int, Int, Int, Bytes, Int, Int) -> ();
    /// Ends a due job without running it.
    DROP_DUE: "UPDATE job SET state = $1, error_code = $2, finished_at = $3, run_at = NULL, payload = NULL,
                   lease_owner = NULL
               WHERE bucket = $4 AND job_id IN (SELECT job_id FROM job
                   WHERE bucket = $5 AND job_id = $6 AND tries = $7 AND run_at <= $8{skip_locked})"
        (Text, Text, Int, Int, Int, Bytes, Int, Int) -> ();
    /// Keeps a lease while the handler is at work.
    RENEW: "UPDATE job SET run_at = $1
            WHERE bucket = $2 AND job_id = $3 AND lease_owner = $4 AND tries = $5 AND state = 'leased'"
        (Int, Int, Bytes, Text, Int) -> ();
    /// Ends a job, and with it its payload.
    FINISH: "UPDATE job SET state = $1, error_code = $2, finished_at = $3, run_at = NULL, payload = NULL,
                 lease_owner = NULL
             WHERE bucket = $4 AND job_id = $5 AND lease_owner = $6 AND tries = $7 AND state = 'leased'"
        (Text, OptText, Int, Int, Bytes, Text, Int) -> ();
    /// Puts a job back for a later try.
    AGAIN: "UPDATE job SET state = 'queued', error_code = $1, run_at = $2, lease_owner = NULL
            WHERE bucket = $3 AND job_id = $4 AND lease_owner = $5 AND tries = $6 AND state = 'leased'"
        (Text, Int, Int, Bytes, Text, Int) -> ();

    /// Global read: the first kind after `$1` that has unfinished jobs.
    NEXT_KIND: "SELECT MIN(kind) FROM job WHERE kind > $1 AND run_at IS NOT NULL" (Text) -> (OptText);
    /// Global read: since when the oldest unfinished job of a kind may be taken.
    OLDEST: "SELECT MIN(run_at) FROM job WHERE kind = $1 AND run_at IS NOT NULL" (Text) -> (OptInt);
    /// Forgets finished jobs. Ids begin with their time of making, so the scan stops at the young ones.
    FORGET: "DELETE FROM job WHERE bucket = $1 AND job_id IN (SELECT job_id FROM job
                 WHERE bucket = $2 AND job_id < $3 AND state = $4 AND finished_at < $5 LIMIT $6)"
        (Int, Int, Bytes, Text, Int, Int) -> ();
    /// Global read, for checks: how many jobs are in each state.
    COUNT: "SELECT state, COUNT(*) FROM job GROUP BY state" () -> (Text, Int);

    /// Writes a periodic down when it is new.
    SCHEDULE: "INSERT INTO schedule (name, due_at) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING"
        (Text, Int) -> ();
    /// When a periodic is due.
    SCHEDULED: "SELECT due_at, lease_until FROM schedule WHERE name = $1" (Text) -> (Int, OptInt);
    /// Takes a periodic, if nobody did since it was read.
    TAKE: "UPDATE schedule SET lease_until = $1, lease_owner = $2
           WHERE name = $3 AND due_at = $4 AND (lease_until IS NULL OR lease_until <= $5)"
        (Int, Text, Text, Int, Int) -> ();
    /// Keeps it while it is at work.
    HOLD: "UPDATE schedule SET lease_until = $1 WHERE name = $2 AND lease_owner = $3" (Int, Text, Text) -> ();
    /// Gives it back until its next time.
    GIVE_BACK: "UPDATE schedule SET due_at = $1, lease_until = NULL, lease_owner = NULL
                WHERE name = $2 AND lease_owner = $3" (Int, Text, Text) -> ();
}
