//! SQL of what was taken away.

db::statements! {
    /// When something was taken away last.
    LAST: "SELECT taken_at FROM slice WHERE account_id = $1" (Bytes) -> (Int);
    /// Notes that it was now.
    NOTE: "INSERT INTO slice (account_id, taken_at) VALUES ($1, $2)
        ON CONFLICT (account_id) DO UPDATE SET taken_at = excluded.taken_at" (Bytes, Int) -> ();
}
