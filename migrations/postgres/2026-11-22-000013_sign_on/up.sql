-- Who a provider of single sign-on says that somebody is: an issuer's subject belongs to one account.
CREATE TABLE identities (
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    provider text COLLATE "C" NOT NULL,
    issuer text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    email text COLLATE "C",
    created_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    CONSTRAINT identities_pk PRIMARY KEY (id),
    CONSTRAINT identities_subject_once UNIQUE (issuer, subject),
    CONSTRAINT identities_account FOREIGN KEY (account_id) REFERENCES accounts (id)
);
CREATE INDEX identities_by_account ON identities (account_id);

-- Sign-ins at a provider that were begun and have not come back; whoever takes one deletes it. The
-- session is that of the person who links a provider to their account.
CREATE TABLE authorizations (
    state_hash bytea NOT NULL,
    secret_hash bytea NOT NULL,
    provider text COLLATE "C" NOT NULL,
    issuer text COLLATE "C" NOT NULL,
    redirect_uri text COLLATE "C" NOT NULL,
    session_id uuid,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT authorizations_pk PRIMARY KEY (state_hash),
    CONSTRAINT authorizations_session FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE CASCADE
);
CREATE INDEX authorizations_by_end ON authorizations (expires_at);
CREATE INDEX authorizations_by_session ON authorizations (session_id);
