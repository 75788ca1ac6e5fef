//! SQL of consents and subscriptions.

db::statements! {
    /// Notes an agreement given or taken back; rows are only added.
    NOTE: "INSERT INTO consent (account_id, event_id, kind, version, granted, source, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)" (Bytes, Bytes, Text, Text, Bool, Text, Int) -> ();
    /// All agreements of an account, latest first.
    LIST: "SELECT kind, version, granted, source, at FROM consent WHERE account_id = $1
        ORDER BY event_id DESC LIMIT 200" (Bytes) -> (Text, Text, Bool, Text, Int);
    /// Switches one subscription on.
    ON: "INSERT INTO subscription (account_id, channel, topic, version, source, at)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account_id, channel, topic) DO NOTHING"
        (Bytes, Text, Text, Text, Text, Int) -> ();
    /// Switches it off.
    OFF: "DELETE FROM subscription WHERE account_id = $1 AND channel = $2 AND topic = $3"
        (Bytes, Text, Text) -> ();
    /// What is on.
    SUBSCRIBED: "SELECT channel, topic, version, source, at FROM subscription WHERE account_id = $1
        ORDER BY channel, topic" (Bytes) -> (Text, Text, Text, Text, Int);
}
