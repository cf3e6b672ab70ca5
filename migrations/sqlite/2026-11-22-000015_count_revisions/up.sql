-- Counts the transactions that changed anything in the workspace, so that an answer that was given is known to hold.
ALTER TABLE workspaces ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
