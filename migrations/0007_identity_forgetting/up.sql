-- From when on a row counts for nothing and may go; NULL keeps it. Whole days, so that the index is seldom written.
ALTER TABLE code_subject ADD COLUMN forget_at BIGINT;
CREATE INDEX code_subject_forget ON code_subject (forget_at);
ALTER TABLE code_range ADD COLUMN forget_at BIGINT;
CREATE INDEX code_range_forget ON code_range (forget_at);
-- Sessions that nobody has used for a long time.
CREATE INDEX session_seen ON session (seen_at);
-- A wrapped key begins with the name of its master key: those of one master stand together.
CREATE INDEX account_data_key ON account (data_key);
-- Marks of letters that came back, which strangers' requests can make.
CREATE INDEX suppression_bounced ON suppression (at) WHERE reason = 'bounced';
