-- An older program knows no member without an account: what they own has no owner then.
UPDATE kpis SET owner_id = NULL WHERE owner_id IN (SELECT id FROM members WHERE account_id IS NULL);
UPDATE boards SET owner_id = NULL WHERE owner_id IN (SELECT id FROM members WHERE account_id IS NULL);
UPDATE objectives SET owner_id = NULL WHERE owner_id IN (SELECT id FROM members WHERE account_id IS NULL);
UPDATE key_results SET owner_id = NULL WHERE owner_id IN (SELECT id FROM members WHERE account_id IS NULL);
UPDATE initiatives SET owner_id = NULL WHERE owner_id IN (SELECT id FROM members WHERE account_id IS NULL);
DELETE FROM objective_contributors WHERE member_id IN (SELECT id FROM members WHERE account_id IS NULL);
DELETE FROM comment_mentions WHERE member_id IN (SELECT id FROM members WHERE account_id IS NULL);
DELETE FROM review_attendees WHERE member_id IN (SELECT id FROM members WHERE account_id IS NULL);
ALTER TABLE invitations DROP COLUMN member_id;
ALTER TABLE invitations DROP COLUMN team_ids;
ALTER TABLE invitations DROP COLUMN duty;
DELETE FROM members WHERE account_id IS NULL;
ALTER TABLE members DROP CONSTRAINT members_have_accounts;
ALTER TABLE members DROP COLUMN title;
ALTER TABLE members ALTER COLUMN account_id SET NOT NULL;
