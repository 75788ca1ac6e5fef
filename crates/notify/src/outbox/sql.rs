//! The SQL of messages, references and suppressed addresses.

db::statements! {
    /// A new message.
    QUEUE: "INSERT INTO message (message_id, subject, channel, purpose, state, reason, queued_at, settled_at, tries, unsure)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0)"
        (Bytes, Bytes, Text, Text, Text, OptText, Int, OptInt) -> ();
    /// What became of a message.
    FIND: "SELECT channel, purpose, state, reason, queued_at, handed_at, settled_at FROM message WHERE message_id = $1"
        (Bytes) -> (Text, Text, Text, OptText, Int, OptInt, OptInt);
    /// Takes a message in hand.
    LOCK: "SELECT state, tries, unsure FROM message WHERE message_id = $1{lock}"
        (Bytes) -> (Text, Int, Int);
    /// Counts one more attempt.
    TRY: "UPDATE message SET tries = tries + 1 WHERE message_id = $1 AND state = 'queued'" (Bytes) -> ();
    /// Counts an attempt whose outcome nobody knows.
    UNSURE: "UPDATE message SET unsure = unsure + 1 WHERE message_id = $1 AND state = 'queued'" (Bytes) -> ();
    /// The carrier took it.
    HAND: "UPDATE message SET state = 'handed', handed_at = $1, carrier = $2 WHERE message_id = $3 AND state = 'queued'"
        (Int, Text, Bytes) -> ();
    /// Its end, whatever it is; an end is not changed by a later one.
    SETTLE: "UPDATE message SET state = $1, reason = $2, settled_at = $3 WHERE message_id = $4 AND state IN ('queued', 'handed')"
        (Text, OptText, Int, Bytes) -> ();
    /// Everything still queued that was asked for before a moment.
    EXPIRE_OLD: "UPDATE message SET state = 'expired', reason = 'restored', settled_at = $1 WHERE state = 'queued' AND queued_at < $2"
        (Int, Int) -> ();
    /// Forgets old messages.
    FORGET: "DELETE FROM message WHERE queued_at < $1 AND message_id IN
            (SELECT message_id FROM message WHERE queued_at < $2 ORDER BY queued_at LIMIT $3)"
        (Int, Int, Int) -> ();

    /// Whose reference this is; answers with the report, if it was here first.
    NAME_REFERENCE: "INSERT INTO carrier_reference (reference, carrier, message_id, at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (reference, carrier) DO UPDATE SET message_id = excluded.message_id
            RETURNING state, reason, at"
        (Text, Text, Bytes, Int) -> (OptText, OptText, Int);
    /// A report; answers with whose it is, if that is known.
    REPORT: "INSERT INTO carrier_reference (reference, carrier, state, reason, at) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (reference, carrier) DO UPDATE SET state = excluded.state, reason = excluded.reason
            RETURNING message_id"
        (Text, Text, Text, OptText, Int) -> (OptBytes);
    /// Forgets old references.
    FORGET_REFERENCES: "DELETE FROM carrier_reference WHERE at < $1 AND (reference, carrier) IN
            (SELECT reference, carrier FROM carrier_reference WHERE at < $2 ORDER BY at LIMIT $3)"
        (Int, Int, Int) -> ();
    /// Forgets old marks of letters that came back; what a person asked for stays.
    FORGET_BOUNCES: "DELETE FROM suppression WHERE reason = 'bounced' AND at < $1 AND (subject, channel) IN
            (SELECT subject, channel FROM suppression WHERE reason = 'bounced' AND at < $2 ORDER BY at LIMIT $3)"
        (Int, Int, Int) -> ();

    /// Whether an address is suppressed.
    SUPPRESSED: "SELECT reason FROM suppression WHERE subject = $1 AND channel = $2" (Bytes, Text) -> (Text);
    /// Suppresses an address; what a person asked for is not replaced by a bounce.
    SUPPRESS: "INSERT INTO suppression (subject, channel, reason, at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (subject, channel) DO UPDATE SET reason = excluded.reason, at = excluded.at
            WHERE suppression.reason <> 'asked'"
        (Bytes, Text, Text, Int) -> ();
    /// Writes to an address again, for one reason.
    ALLOW: "DELETE FROM suppression WHERE subject = $1 AND channel = $2 AND reason = $3" (Bytes, Text, Text) -> ();
}
