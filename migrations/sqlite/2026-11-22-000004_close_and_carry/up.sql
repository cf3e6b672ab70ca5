-- Every closing of an objective, with the numbers that it froze; one that was undone says when, and is kept.
CREATE TABLE objective_closings (
    id BLOB NOT NULL,
    workspace_id BLOB NOT NULL,
    objective_id BLOB NOT NULL,
    outcome TEXT NOT NULL,
    score REAL,
    reflection TEXT,
    frozen TEXT NOT NULL,
    closed_at INTEGER NOT NULL,
    closed_by BLOB NOT NULL,
    reopened_at INTEGER,
    reopened_by BLOB,
    CONSTRAINT objective_closings_pk PRIMARY KEY (id),
    CONSTRAINT objective_closings_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT objective_closings_objective FOREIGN KEY (workspace_id, objective_id) REFERENCES objectives (workspace_id, id),
    CONSTRAINT objective_closings_outcome_known CHECK (outcome IN ('achieved', 'partial', 'missed', 'dropped')),
    CONSTRAINT objective_closings_score_bounded CHECK (score BETWEEN 0 AND 1)
) STRICT;
CREATE UNIQUE INDEX objective_closings_present_once ON objective_closings (objective_id) WHERE reopened_at IS NULL;
CREATE INDEX objective_closings_by_objective ON objective_closings (objective_id, closed_at);
CREATE INDEX objective_closings_by_workspace ON objective_closings (workspace_id, reopened_at);

-- What a closing froze of each key result.
CREATE TABLE key_result_closings (
    workspace_id BLOB NOT NULL,
    closing_id BLOB NOT NULL,
    key_result_id BLOB NOT NULL,
    frozen TEXT NOT NULL,
    CONSTRAINT key_result_closings_pk PRIMARY KEY (closing_id, key_result_id),
    CONSTRAINT key_result_closings_closing FOREIGN KEY (workspace_id, closing_id) REFERENCES objective_closings (workspace_id, id),
    CONSTRAINT key_result_closings_key_result FOREIGN KEY (workspace_id, key_result_id) REFERENCES key_results (workspace_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX key_result_closings_by_key_result ON key_result_closings (key_result_id);

-- What was closed before is a closing as well: the first of its objective, so it can bear the same id.
INSERT INTO objective_closings (id, workspace_id, objective_id, outcome, score, reflection, frozen, closed_at, closed_by)
SELECT o.id, o.workspace_id, o.id, o.outcome, o.score, o.reflection, o.frozen, o.closed_at, COALESCE(
    (SELECT s.recorded_by FROM objective_states s WHERE s.objective_id = o.id AND s.state = 'closed' ORDER BY s.at, s.id LIMIT 1),
    zeroblob(16)
)
FROM objectives o
WHERE o.state = 'closed' AND o.outcome IS NOT NULL AND o.frozen IS NOT NULL AND o.closed_at IS NOT NULL;
INSERT INTO key_result_closings (workspace_id, closing_id, key_result_id, frozen)
SELECT k.workspace_id, k.objective_id, k.id, k.frozen
FROM key_results k INNER JOIN objective_closings c ON c.id = k.objective_id
WHERE k.frozen IS NOT NULL;

-- Which objective goes on with which in another cycle.
CREATE TABLE objective_carry_overs (
    workspace_id BLOB NOT NULL,
    objective_id BLOB NOT NULL,
    carried_from_id BLOB NOT NULL,
    recorded_at INTEGER NOT NULL,
    recorded_by BLOB NOT NULL,
    CONSTRAINT objective_carry_overs_pk PRIMARY KEY (objective_id),
    CONSTRAINT objective_carry_overs_objective FOREIGN KEY (workspace_id, objective_id) REFERENCES objectives (workspace_id, id),
    CONSTRAINT objective_carry_overs_source FOREIGN KEY (workspace_id, carried_from_id) REFERENCES objectives (workspace_id, id),
    CONSTRAINT objective_carry_overs_another CHECK (objective_id <> carried_from_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX objective_carry_overs_by_source ON objective_carry_overs (carried_from_id);
