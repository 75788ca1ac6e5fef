//! Encryption per account, blind indexes, keys.
