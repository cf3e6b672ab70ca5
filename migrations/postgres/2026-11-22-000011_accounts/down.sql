DROP TABLE mailed_tokens;
DROP TABLE mails;
ALTER TABLE accounts DROP COLUMN deleted_at;
ALTER TABLE sessions DROP COLUMN user_agent;
