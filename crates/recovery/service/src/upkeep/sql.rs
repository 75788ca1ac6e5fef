//! SQL of keeping house.

db::statements! {
    /// Cases that were not handed in in time.
    DUE: "SELECT holder, case_id FROM recovery_case WHERE state = $1 AND expires_at <= $2
        ORDER BY expires_at LIMIT $3" (Text, Int, Int) -> (Bytes, Bytes);
    /// Ends one of them and destroys its key: what it sealed opens no more.
    EXPIRE: "UPDATE recovery_case SET state = $1, closed_at = $2, data_key = NULL, phone = NULL,
        phone_subject = NULL, phone_proved_at = NULL, facts = NULL, saved_at = NULL
        WHERE holder = $3 AND case_id = $4 AND state = $5" (Text, Int, Bytes, Bytes, Text) -> ();
    /// Forgets cases that have ended long ago.
    FORGET: "DELETE FROM recovery_case WHERE closed_at < $1 AND (holder, case_id) IN
        (SELECT holder, case_id FROM recovery_case WHERE closed_at < $2 ORDER BY closed_at LIMIT $3)"
        (Int, Int, Int) -> ();
    /// Forgets numbers of cases that are gone.
    NUMBER_FORGET: "DELETE FROM recovery_number WHERE made_at < $1 AND number IN
        (SELECT number FROM recovery_number WHERE made_at < $2 ORDER BY made_at LIMIT $3)" (Int, Int, Int) -> ();
    /// Forgets browsers that worked on one.
    SEAT_FORGET: "DELETE FROM recovery_seat WHERE seated_at < $1 AND browser IN
        (SELECT browser FROM recovery_seat WHERE seated_at < $2 ORDER BY seated_at LIMIT $3)"
        (Int, Int, Int) -> ();
    /// Forgets holders that had none for long.
    HOLDER_FORGET: "DELETE FROM recovery_holder WHERE touched_at < $1 AND holder IN
        (SELECT holder FROM recovery_holder WHERE touched_at < $2 ORDER BY touched_at LIMIT $3)"
        (Int, Int, Int) -> ();
    /// After a restore: an open case may have been stopped since the backup was taken, so all of them end.
    RESTORED: "UPDATE recovery_case SET state = $1, closed_at = $2, data_key = NULL, phone = NULL,
        phone_subject = NULL, phone_proved_at = NULL, facts = NULL, saved_at = NULL WHERE closed_at IS NULL"
        (Text, Int) -> ();
    /// Some keys of one master, in the order of their bytes.
    KEYS_NEXT: "SELECT case_id, data_key, holder FROM recovery_case WHERE data_key >= $1 AND data_key < $2
        ORDER BY data_key LIMIT $3" (Bytes, Bytes, Int) -> (Bytes, Bytes, Bytes);
    /// Puts the newly wrapped key in the place of the old one, if it still stands there.
    KEY_REPLACE: "UPDATE recovery_case SET data_key = $1 WHERE holder = $2 AND case_id = $3 AND data_key = $4"
        (Bytes, Bytes, Bytes, Bytes) -> ();
    /// How many keys one master wraps.
    KEYS_COUNT: "SELECT COUNT(*) FROM recovery_case WHERE data_key >= $1 AND data_key < $2" (Bytes, Bytes) -> (Int);
}
