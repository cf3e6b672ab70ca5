ALTER TABLE workspaces DROP COLUMN revision;
