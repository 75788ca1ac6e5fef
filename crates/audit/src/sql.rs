//! The SQL of the log.

db::statements! {
    /// The head of a bucket, locked: the next entry comes after it.
    HEAD: "SELECT seq, hash FROM audit_head WHERE bucket = $1{lock}" (Int) -> (Int, Bytes);
    /// The first head of a bucket.
    FIRST: "INSERT INTO audit_head (bucket, seq, hash) VALUES ($1, $2, $3) ON CONFLICT (bucket) DO NOTHING"
        (Int, Int, Bytes) -> ();
    /// Moves the head on by one.
    MOVE: "UPDATE audit_head SET seq = $1, hash = $2 WHERE bucket = $3" (Int, Bytes, Int) -> ();
    /// Adds an entry.
    ADD: "INSERT INTO audit_entry (bucket, seq, event_id, account_id, at, actor_kind, actor_id, action,
            on_behalf, session_id, details, prev_hash, hash)
          VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
        (Int, Int, Bytes, OptBytes, Int, Text, OptBytes, Text, OptBytes, OptBytes, Bytes, Bytes, Bytes) -> ();
    /// A page of an account's history, newest first.
    HISTORY: "SELECT seq, event_id, at, actor_kind, actor_id, action, on_behalf, session_id, details
              FROM audit_entry WHERE bucket = $1 AND account_id = $2 AND seq < $3 ORDER BY seq DESC LIMIT $4"
        (Int, Bytes, Int, Int) -> (Int, Bytes, Int, Text, OptBytes, Text, OptBytes, OptBytes, Bytes);
    /// A page of a bucket, oldest first, for verification.
    PAGE: "SELECT seq, event_id, account_id, at, actor_kind, actor_id, action, on_behalf, session_id, details,
             prev_hash, hash
           FROM audit_entry WHERE bucket = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4"
        (Int, Int, Int, Int)
        -> (Int, Bytes, OptBytes, Int, Text, OptBytes, Text, OptBytes, OptBytes, Bytes, Bytes, Bytes);
    /// The head of a bucket, for verification.
    PEEK: "SELECT seq, hash FROM audit_head WHERE bucket = $1" (Int) -> (Int, Bytes);
    /// All heads, at one moment.
    HEADS: "SELECT bucket, seq, hash FROM audit_head WHERE bucket >= $1 ORDER BY bucket" (Int) -> (Int, Int, Bytes);
    /// All heads as last sealed.
    SEALED: "SELECT bucket, seq, hash FROM audit_sealed WHERE bucket >= $1 ORDER BY bucket"
        (Int) -> (Int, Int, Bytes);
    /// Notes a head as sealed.
    NOTE: "INSERT INTO audit_sealed (bucket, seq, hash) VALUES ($1, $2, $3)
           ON CONFLICT (bucket) DO UPDATE SET seq = excluded.seq, hash = excluded.hash" (Int, Int, Bytes) -> ();
    /// The newest seal.
    LAST_SEAL: "SELECT number, at, hash, public_key FROM audit_seal WHERE number > $1
                ORDER BY number DESC LIMIT 1" (Int) -> (Int, Int, Bytes, Bytes);
    /// Adds a seal.
    ADD_SEAL: "INSERT INTO audit_seal (number, at, changed, root, prev_hash, hash, public_key, signature)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        (Int, Int, Bytes, Bytes, Bytes, Bytes, Bytes, Bytes) -> ();
    /// A page of seals, oldest first.
    SEALS: "SELECT number, at, changed, root, prev_hash, hash, public_key, signature
            FROM audit_seal WHERE number > $1 ORDER BY number LIMIT $2"
        (Int, Int) -> (Int, Int, Bytes, Bytes, Bytes, Bytes, Bytes, Bytes);
}

/// Tables whose rows are only ever added: a role that serves needs no more than that (A104).
pub const ONLY_ADDED: [&str; 2] = ["audit_entry", "audit_seal"];
