//! Identity done: use cases with their SQL.
