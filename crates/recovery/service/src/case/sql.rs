//! SQL of cases.

db::statements! {
    /// Locks a holder, making the row when there is none: the same work for both.
    HOLDER_TAKE: "INSERT INTO recovery_holder (holder, touched_at) VALUES ($1, $2)
        ON CONFLICT (holder) DO UPDATE SET touched_at = excluded.touched_at" (Bytes, Int) -> ();
    /// The cases of a holder that count: when they were opened, and whether they are open still.
    COUNTED: "SELECT opened_at, expires_at, state FROM recovery_case WHERE holder = $1 AND surplus = FALSE"
        (Bytes) -> (Int, Int, Text);
    /// Claims a number; touches nothing when it is taken.
    NUMBER_CLAIM: "INSERT INTO recovery_number (number, holder, case_id, made_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (number) DO NOTHING" (Bytes, Bytes, Bytes, Int) -> ();
    /// The case a number names.
    NUMBER: "SELECT holder, case_id FROM recovery_number WHERE number = $1" (Bytes) -> (Bytes, Bytes);
    /// Makes a case.
    ADD: "INSERT INTO recovery_case (holder, case_id, data_key, claim, state, surplus, opened_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        (Bytes, Bytes, Bytes, Bytes, Text, Bool, Int, Int) -> ();
    /// One case.
    FIND: "SELECT data_key, claim, state, opened_at, expires_at, phone, phone_subject, phone_proved_at, facts, saved_at
        FROM recovery_case WHERE holder = $1 AND case_id = $2" (Bytes, Bytes)
        -> (OptBytes, Bytes, Text, Int, Int, OptBytes, OptBytes, OptInt, OptBytes, OptInt);
    /// The same, locked.
    LOCK: "SELECT data_key, claim, state, opened_at, expires_at, phone, phone_subject, phone_proved_at, facts, saved_at
        FROM recovery_case WHERE holder = $1 AND case_id = $2{lock}" (Bytes, Bytes)
        -> (OptBytes, Bytes, Text, Int, Int, OptBytes, OptBytes, OptInt, OptBytes, OptInt);
    /// Puts a browser before a case.
    SEAT_SET: "INSERT INTO recovery_seat (browser, holder, case_id, seated_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (browser) DO UPDATE SET holder = excluded.holder, case_id = excluded.case_id,
        seated_at = excluded.seated_at" (Bytes, Bytes, Bytes, Int) -> ();
    /// The case a browser works on.
    SEAT: "SELECT holder, case_id FROM recovery_seat WHERE browser = $1" (Bytes) -> (Bytes, Bytes);
    /// Keeps the hash of the link that stops a case; touches nothing when there is one.
    STOP_SET: "UPDATE recovery_case SET stop_hash = $1 WHERE holder = $2 AND case_id = $3 AND stop_hash IS NULL"
        (Bytes, Bytes, Bytes) -> ();
    /// The case that a link stops.
    STOP_FIND: "SELECT case_id FROM recovery_case WHERE holder = $1 AND stop_hash = $2" (Bytes, Bytes) -> (Bytes);
    /// Ends a case.
    CLOSE: "UPDATE recovery_case SET state = $1, closed_at = $2 WHERE holder = $3 AND case_id = $4"
        (Text, Int, Bytes, Bytes) -> ();
    /// Names the phone to be used; a proof of another one is void (A42).
    PHONE_SET: "UPDATE recovery_case SET phone = $1, phone_subject = $2, phone_proved_at = NULL
        WHERE holder = $3 AND case_id = $4" (Bytes, Bytes, Bytes, Bytes) -> ();
    /// Notes that the phone was proved, if it is that one still.
    PHONE_PROVED: "UPDATE recovery_case SET phone_proved_at = $1 WHERE holder = $2 AND case_id = $3
        AND phone_subject = $4" (Int, Bytes, Bytes, Bytes) -> ();
    /// Keeps what was told.
    FACTS_SET: "UPDATE recovery_case SET facts = $1, saved_at = $2 WHERE holder = $3 AND case_id = $4"
        (Bytes, Int, Bytes, Bytes) -> ();
}
