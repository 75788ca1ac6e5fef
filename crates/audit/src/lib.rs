//! The append-only log, chained by hashes.
