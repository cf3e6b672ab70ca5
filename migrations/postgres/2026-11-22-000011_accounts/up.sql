-- The program with which somebody signed in, as it names itself.
ALTER TABLE sessions ADD COLUMN user_agent text COLLATE "C";

-- When an account was deleted: its row stays for what refers to it, without address and name.
ALTER TABLE accounts ADD COLUMN deleted_at timestamptz;

-- Mails that wait to be sent, written together with what they are about and dropped when they are sent. No
-- secret stands here: the token of a mail follows from its id and the server's secret.
CREATE TABLE mails (
    id uuid NOT NULL,
    kind text COLLATE "C" NOT NULL,
    recipient text COLLATE "C" NOT NULL,
    account_id uuid,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    attempts integer NOT NULL,
    CONSTRAINT mails_pk PRIMARY KEY (id),
    CONSTRAINT mails_kind_known CHECK (kind IN ('password_reset', 'password_changed', 'email_confirmation', 'email_change_asked', 'email_changed', 'account_deleted')),
    CONSTRAINT mails_account FOREIGN KEY (account_id) REFERENCES accounts (id)
);
CREATE INDEX mails_by_turn ON mails (due_at);
CREATE INDEX mails_by_account ON mails (account_id);

-- What was mailed to be sent back once, by its hash.
CREATE TABLE mailed_tokens (
    hash bytea NOT NULL,
    purpose text COLLATE "C" NOT NULL,
    account_id uuid NOT NULL,
    email text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    CONSTRAINT mailed_tokens_pk PRIMARY KEY (hash),
    CONSTRAINT mailed_tokens_purpose_known CHECK (purpose IN ('password_reset', 'email_change')),
    CONSTRAINT mailed_tokens_account FOREIGN KEY (account_id) REFERENCES accounts (id)
);
CREATE INDEX mailed_tokens_by_account ON mailed_tokens (account_id);
CREATE INDEX mailed_tokens_by_age ON mailed_tokens (expires_at);
