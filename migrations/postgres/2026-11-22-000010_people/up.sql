-- Whoever is invited is a member already, who may own things, and has no account yet.
ALTER TABLE members ALTER COLUMN account_id DROP NOT NULL;
ALTER TABLE members ADD COLUMN title TEXT;
ALTER TABLE members ADD CONSTRAINT members_have_accounts CHECK (state IN ('invited', 'removed') OR account_id IS NOT NULL);

-- Which member an invitation brings in, and into which teams. Older invitations name nobody yet.
ALTER TABLE invitations ADD COLUMN member_id UUID;
ALTER TABLE invitations ADD COLUMN team_ids JSONB NOT NULL DEFAULT '[]';
ALTER TABLE invitations ADD COLUMN duty TEXT NOT NULL DEFAULT 'member';
ALTER TABLE invitations ADD CONSTRAINT invitations_member FOREIGN KEY (workspace_id, member_id) REFERENCES members (workspace_id, id);
ALTER TABLE invitations ADD CONSTRAINT invitations_duty_known CHECK (duty IN ('member', 'lead'));
CREATE INDEX invitations_by_member ON invitations (workspace_id, member_id);
