//! SQL of the codes.

db::statements! {
    /// A new code takes the place of the live ones for the same purpose (A17).
    VOID: "UPDATE challenge SET voided_at = $1 WHERE subject = $2 AND purpose = $3
        AND used_at IS NULL AND voided_at IS NULL" (Int, Bytes, Text) -> ();
    /// Keeps a code: its keyed hash, never the code.
    ADD: "INSERT INTO challenge (subject, challenge_id, purpose, channel, browser, salt, code_mac, digits,
        serial, tries, tries_most, created_at, expires_at, message_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
        (Bytes, Bytes, Text, Text, Bytes, Bytes, Bytes, Int, Int, Int, Int, Int, Int, OptBytes) -> ();
    /// One code, locked.
    FIND: "SELECT purpose, channel, browser, salt, code_mac, digits, serial, tries, tries_most, created_at,
        expires_at, used_at, voided_at, message_id
        FROM challenge WHERE subject = $1 AND challenge_id = $2{lock}"
        (Bytes, Bytes) -> (Text, Text, Bytes, Bytes, Bytes, Int, Int, Int, Int, Int, Int, OptInt, OptInt, OptBytes);
    /// The same, only to look.
    LOOK: "SELECT purpose, channel, browser, salt, code_mac, digits, serial, tries, tries_most, created_at,
        expires_at, used_at, voided_at, message_id
        FROM challenge WHERE subject = $1 AND challenge_id = $2"
        (Bytes, Bytes) -> (Text, Text, Bytes, Bytes, Bytes, Int, Int, Int, Int, Int, Int, OptInt, OptInt, OptBytes);
    /// The live code of one message, locked.
    OF_MESSAGE: "SELECT challenge_id, salt, digits FROM challenge WHERE subject = $1 AND message_id = $2
        AND used_at IS NULL AND voided_at IS NULL{lock}" (Bytes, Bytes) -> (Bytes, Bytes, Int);
    /// Keeps the code that a call turned out to carry: its keyed hash, never the code.
    LEARN: "UPDATE challenge SET code_mac = $1 WHERE subject = $2 AND challenge_id = $3
        AND used_at IS NULL AND voided_at IS NULL" (Bytes, Bytes, Bytes) -> ();
    /// Counts a try; touches nothing when the code has ended in the meantime.
    TRY: "UPDATE challenge SET tries = tries + 1 WHERE subject = $1 AND challenge_id = $2
        AND used_at IS NULL AND voided_at IS NULL AND tries < tries_most" (Bytes, Bytes) -> ();
    /// Uses a code up.
    USE: "UPDATE challenge SET used_at = $1 WHERE subject = $2 AND challenge_id = $3 AND used_at IS NULL"
        (Int, Bytes, Bytes) -> ();
    /// Where a browser stands.
    FLOW: "SELECT subject, identifier, challenge_id, proved_at, next, updated_at FROM code_flow
        WHERE browser = $1 AND purpose = $2" (Bytes, Text) -> (Bytes, Bytes, Bytes, OptInt, Text, Int);
    /// The same, locked.
    FLOW_LOCK: "SELECT subject, identifier, challenge_id, proved_at, next, updated_at FROM code_flow
        WHERE browser = $1 AND purpose = $2{lock}" (Bytes, Text) -> (Bytes, Bytes, Bytes, OptInt, Text, Int);
    /// Puts a browser at its first step.
    FLOW_SET: "INSERT INTO code_flow (browser, purpose, subject, identifier, challenge_id, next, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (browser, purpose) DO UPDATE SET
        subject = excluded.subject, identifier = excluded.identifier,
        challenge_id = excluded.challenge_id, proved_at = NULL, next = excluded.next,
        updated_at = excluded.updated_at" (Bytes, Text, Bytes, Bytes, Bytes, Text, Int) -> ();
    /// Notes that the browser has proved control; touches nothing when it asked for another code in the
    /// meantime, perhaps to somebody else's number.
    FLOW_PROVED: "UPDATE code_flow SET proved_at = $1 WHERE browser = $2 AND purpose = $3
        AND challenge_id = $4" (Int, Bytes, Text, Bytes) -> ();
    /// Ends it.
    FLOW_END: "DELETE FROM code_flow WHERE browser = $1 AND purpose = $2" (Bytes, Text) -> ();
    /// Forgets old ones.
    FLOW_FORGET: "DELETE FROM code_flow WHERE updated_at < $1 AND (browser, purpose) IN
        (SELECT browser, purpose FROM code_flow WHERE updated_at < $2 ORDER BY updated_at LIMIT $3)"
        (Int, Int, Int) -> ();
    /// Forgets old codes.
    FORGET: "DELETE FROM challenge WHERE created_at < $1 AND (subject, challenge_id) IN
        (SELECT subject, challenge_id FROM challenge WHERE created_at < $2 ORDER BY created_at LIMIT $3)"
        (Int, Int, Int) -> ();
    /// The account an identifier leads to.
    OWNER: "SELECT account_id FROM identifier WHERE subject = $1" (Bytes) -> (Bytes);
}
