-- The program with which somebody signed in, as it names itself.
ALTER TABLE sessions ADD COLUMN user_agent TEXT;

-- When an account was deleted: its row stays for what refers to it, without address and name.
ALTER TABLE accounts ADD COLUMN deleted_at INTEGER;

-- Mails that wait to be sent, written together with what they are about and dropped when they are sent. No
-- secret stands here: the token of a mail follows from its id and the server's secret.
CREATE TABLE mails (
    id BLOB NOT NULL,
    kind TEXT NOT NULL,
    recipient TEXT NOT NULL,
    account_id BLOB,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    CONSTRAINT mails_pk PRIMARY KEY (id),
    CONSTRAINT mails_kind_known CHECK (kind IN ('password_reset', 'password_changed', 'email_confirmation', 'email_change_asked', 'email_changed', 'account_deleted')),
    CONSTRAINT mails_account FOREIGN KEY (account_id) REFERENCES accounts (id)
) STRICT;
CREATE INDEX mails_by_turn ON mails (due_at);
CREATE INDEX mails_by_account ON mails (account_id);

-- What was mailed to be sent back once, by its hash.
CREATE TABLE mailed_tokens (
    hash BLOB NOT NULL,
    purpose TEXT NOT NULL,
    account_id BLOB NOT NULL,
    email TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    CONSTRAINT mailed_tokens_pk PRIMARY KEY (hash),
    CONSTRAINT mailed_tokens_purpose_known CHECK (purpose IN ('password_reset', 'email_change')),
    CONSTRAINT mailed_tokens_account FOREIGN KEY (account_id) REFERENCES accounts (id)
) STRICT;
CREATE INDEX mailed_tokens_by_account ON mailed_tokens (account_id);
CREATE INDEX mailed_tokens_by_age ON mailed_tokens (expires_at);
