ALTER TABLE kpi_states DROP COLUMN leaves_on;
ALTER TABLE kpi_states DROP COLUMN reach_min;
ALTER TABLE kpi_states DROP COLUMN reach_max;
ALTER TABLE kpis DROP COLUMN planned_remedies;
ALTER TABLE kpis DROP COLUMN failed_remedies;

-- What held is in progress again for an older program, which derives it anew.
UPDATE remedies SET shown_outcome = 'in_progress' WHERE shown_outcome = 'held';
ALTER TABLE remedies DROP CONSTRAINT remedies_outcome_known;
ALTER TABLE remedies ADD CONSTRAINT remedies_outcome_known CHECK (shown_outcome IN ('withdrawn', 'recovered', 'relapsed', 'target_moved', 'planned', 'in_progress', 'awaiting_effect', 'failed'));
