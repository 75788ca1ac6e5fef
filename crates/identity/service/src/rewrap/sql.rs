//! SQL of data keys under old masters.

db::statements! {
    /// Some data keys of one master, in the order of their bytes.
    NEXT: "SELECT account_id, data_key FROM account WHERE data_key >= $1 AND data_key < $2
        ORDER BY data_key LIMIT $3" (Bytes, Bytes, Int) -> (Bytes, Bytes);
    /// Puts the newly wrapped key in the place of the old one, if it still stands there.
    REPLACE: "UPDATE account SET data_key = $1 WHERE account_id = $2 AND data_key = $3"
        (Bytes, Bytes, Bytes) -> ();
    /// How many data keys one master wraps.
    COUNT: "SELECT COUNT(*) FROM account WHERE data_key >= $1 AND data_key < $2" (Bytes, Bytes) -> (Int);
    /// How many data keys there are.
    ALL_KEYS: "SELECT COUNT(*) FROM account" () -> (Int);
}
