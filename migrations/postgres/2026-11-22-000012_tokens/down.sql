DROP INDEX tokens_by_warning;
ALTER TABLE tokens DROP COLUMN version;
ALTER TABLE tokens DROP COLUMN warn_at;
