//! One seam to SQLite and PostgreSQL.
