-- Whoever is invited is a member already, who may own things, and has no account yet. SQLite takes no
-- NOT NULL away, so the table is made anew. Those that refer to it wait until the rows are back: the
-- counter of open references falls to nothing again before the end of this step.
PRAGMA defer_foreign_keys = ON;
CREATE TABLE kept_members AS SELECT * FROM members;
DROP TABLE members;
CREATE TABLE members (
    id BLOB NOT NULL,
    workspace_id BLOB NOT NULL,
    account_id BLOB,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    role TEXT NOT NULL,
    state TEXT NOT NULL,
    version INTEGER NOT NULL,
    joined_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    removed_at INTEGER,
    title TEXT,
    CONSTRAINT members_pk PRIMARY KEY (id),
    CONSTRAINT members_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT members_account_once UNIQUE (workspace_id, account_id),
    CONSTRAINT members_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT members_account FOREIGN KEY (account_id) REFERENCES accounts (id),
    CONSTRAINT members_role_known CHECK (role IN ('viewer', 'member', 'admin', 'owner')),
    CONSTRAINT members_state_known CHECK (state IN ('invited', 'active', 'suspended', 'removed')),
    CONSTRAINT members_have_accounts CHECK (state IN ('invited', 'removed') OR account_id IS NOT NULL)
) STRICT;
INSERT INTO members (id, workspace_id, account_id, name, name_folded, role, state, version, joined_at, updated_at, removed_at)
SELECT id, workspace_id, account_id, name, name_folded, role, state, version, joined_at, updated_at, removed_at FROM kept_members;
DROP TABLE kept_members;
CREATE INDEX members_by_account ON members (account_id);

-- Which member an invitation brings in, and into which teams. Older invitations name nobody yet.
CREATE TABLE new_invitations (
    id BLOB NOT NULL,
    workspace_id BLOB NOT NULL,
    email TEXT NOT NULL,
    email_folded TEXT NOT NULL,
    role TEXT NOT NULL,
    token_hash BLOB NOT NULL,
    invited_by BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    revoked_at INTEGER,
    member_id BLOB,
    team_ids TEXT NOT NULL DEFAULT '[]',
    duty TEXT NOT NULL DEFAULT 'member',
    CONSTRAINT invitations_pk PRIMARY KEY (id),
    CONSTRAINT invitations_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT invitations_hash_once UNIQUE (token_hash),
    CONSTRAINT invitations_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT invitations_inviter FOREIGN KEY (workspace_id, invited_by) REFERENCES members (workspace_id, id),
    CONSTRAINT invitations_member FOREIGN KEY (workspace_id, member_id) REFERENCES members (workspace_id, id),
    CONSTRAINT invitations_role_known CHECK (role IN ('viewer', 'member', 'admin', 'owner')),
    CONSTRAINT invitations_duty_known CHECK (duty IN ('member', 'lead'))
) STRICT;
INSERT INTO new_invitations (id, workspace_id, email, email_folded, role, token_hash, invited_by, created_at, expires_at, used_at, revoked_at)
SELECT id, workspace_id, email, email_folded, role, token_hash, invited_by, created_at, expires_at, used_at, revoked_at FROM invitations;
DROP TABLE invitations;
ALTER TABLE new_invitations RENAME TO invitations;
CREATE INDEX invitations_by_email ON invitations (workspace_id, email_folded);
CREATE INDEX invitations_by_member ON invitations (workspace_id, member_id);
