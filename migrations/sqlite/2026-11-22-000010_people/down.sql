-- An older program knows no member without an account: what they own has no owner then.
UPDATE kpis SET owner_id = NULL WHERE owner_id IN (SELECT id FROM members WHERE account_id IS NULL);
UPDATE boards SET owner_id = NULL WHERE owner_id IN (SELECT id FROM members WHERE account_id IS NULL);
UPDATE objectives SET owner_id = NULL WHERE owner_id IN (SELECT id FROM members WHERE account_id IS NULL);
UPDATE key_results SET owner_id = NULL WHERE owner_id IN (SELECT id FROM members WHERE account_id IS NULL);
UPDATE initiatives SET owner_id = NULL WHERE owner_id IN (SELECT id FROM members WHERE account_id IS NULL);
DELETE FROM objective_contributors WHERE member_id IN (SELECT id FROM members WHERE account_id IS NULL);
DELETE FROM comment_mentions WHERE member_id IN (SELECT id FROM members WHERE account_id IS NULL);
DELETE FROM review_attendees WHERE member_id IN (SELECT id FROM members WHERE account_id IS NULL);
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
    CONSTRAINT invitations_pk PRIMARY KEY (id),
    CONSTRAINT invitations_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT invitations_hash_once UNIQUE (token_hash),
    CONSTRAINT invitations_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT invitations_inviter FOREIGN KEY (workspace_id, invited_by) REFERENCES members (workspace_id, id),
    CONSTRAINT invitations_role_known CHECK (role IN ('viewer', 'member', 'admin', 'owner'))
) STRICT;
INSERT INTO new_invitations (id, workspace_id, email, email_folded, role, token_hash, invited_by, created_at, expires_at, used_at, revoked_at)
SELECT id, workspace_id, email, email_folded, role, token_hash, invited_by, created_at, expires_at, used_at, revoked_at FROM invitations;
DROP TABLE invitations;
ALTER TABLE new_invitations RENAME TO invitations;
CREATE INDEX invitations_by_email ON invitations (workspace_id, email_folded);

DELETE FROM members WHERE account_id IS NULL;
PRAGMA defer_foreign_keys = ON;
CREATE TABLE kept_members AS SELECT * FROM members;
DROP TABLE members;
CREATE TABLE members (
    id BLOB NOT NULL,
    workspace_id BLOB NOT NULL,
    account_id BLOB NOT NULL,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    role TEXT NOT NULL,
    state TEXT NOT NULL,
    version INTEGER NOT NULL,
    joined_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    removed_at INTEGER,
    CONSTRAINT members_pk PRIMARY KEY (id),
    CONSTRAINT members_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT members_account_once UNIQUE (workspace_id, account_id),
    CONSTRAINT members_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT members_account FOREIGN KEY (account_id) REFERENCES accounts (id),
    CONSTRAINT members_role_known CHECK (role IN ('viewer', 'member', 'admin', 'owner')),
    CONSTRAINT members_state_known CHECK (state IN ('invited', 'active', 'suspended', 'removed'))
) STRICT;
INSERT INTO members (id, workspace_id, account_id, name, name_folded, role, state, version, joined_at, updated_at, removed_at)
SELECT id, workspace_id, account_id, name, name_folded, role, state, version, joined_at, updated_at, removed_at FROM kept_members;
DROP TABLE kept_members;
CREATE INDEX members_by_account ON members (account_id);
