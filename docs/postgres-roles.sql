-- A role of PostgreSQL that serves and can only add to the audit log (A104).
--
-- Kabinet works with one role for everything. With two, who takes over the serving program still cannot
-- edit or remove what was logged: `kabinet_owner` owns the tables and is used by `kabinet migrate` and
-- `kabinet restore` alone, `kabinet` serves. Create both first:
--     CREATE ROLE kabinet_owner LOGIN PASSWORD '...';
--     CREATE ROLE kabinet LOGIN PASSWORD '...';
--     CREATE DATABASE kabinet OWNER kabinet_owner;
-- then run `kabinet migrate` as kabinet_owner, then this file as kabinet_owner, once, and again after a
-- migration that adds a table of the log. `kabinet check` says whether the role that serves may do more.

GRANT USAGE ON SCHEMA public TO kabinet;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO kabinet;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO kabinet;
REVOKE UPDATE, DELETE, TRUNCATE ON audit_entry, audit_seal FROM kabinet;
