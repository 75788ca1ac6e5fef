//! Durable work: outbox, leases, backoff, dead letters.
