-- Who a provider of single sign-on says that somebody is: an issuer's subject belongs to one account.
CREATE TABLE identities (
    id BLOB NOT NULL,
    account_id BLOB NOT NULL,
    provider TEXT NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    email TEXT,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    CONSTRAINT identities_pk PRIMARY KEY (id),
    CONSTRAINT identities_subject_once UNIQUE (issuer, subject),
    CONSTRAINT identities_account FOREIGN KEY (account_id) REFERENCES accounts (id)
) STRICT;
CREATE INDEX identities_by_account ON identities (account_id);

-- Sign-ins at a provider that were begun and have not come back; whoever takes one deletes it. The
-- session is that of the person who links a provider to their account.
CREATE TABLE authorizations (
    state_hash BLOB NOT NULL,
    secret_hash BLOB NOT NULL,
    provider TEXT NOT NULL,
    issuer TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    session_id BLOB,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    CONSTRAINT authorizations_pk PRIMARY KEY (state_hash),
    CONSTRAINT authorizations_session FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX authorizations_by_end ON authorizations (expires_at);
CREATE INDEX authorizations_by_session ON authorizations (session_id);
