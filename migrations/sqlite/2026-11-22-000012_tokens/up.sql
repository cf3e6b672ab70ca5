-- When the coming end of a token is told next: 14 days before it, then 3 days; null where there is nothing to tell.
ALTER TABLE tokens ADD COLUMN warn_at INTEGER;
-- Counts the changes of name and of who answers for it.
ALTER TABLE tokens ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
UPDATE tokens SET warn_at = CASE
    WHEN expires_at - 1209600000000 > created_at THEN expires_at - 1209600000000
    WHEN expires_at - 259200000000 > created_at THEN expires_at - 259200000000
END WHERE revoked_at IS NULL;
CREATE INDEX tokens_by_warning ON tokens (warn_at);
