-- When the coming end of a token is told next: 14 days before it, then 3 days; null where there is nothing to tell.
ALTER TABLE tokens ADD COLUMN warn_at timestamptz;
-- Counts the changes of name and of who answers for it.
ALTER TABLE tokens ADD COLUMN version integer NOT NULL DEFAULT 1;
UPDATE tokens SET warn_at = CASE
    WHEN expires_at - interval '14 days' > created_at THEN expires_at - interval '14 days'
    WHEN expires_at - interval '3 days' > created_at THEN expires_at - interval '3 days'
END WHERE revoked_at IS NULL;
CREATE INDEX tokens_by_warning ON tokens (warn_at);
