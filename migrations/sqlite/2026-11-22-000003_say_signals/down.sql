ALTER TABLE kpi_states DROP COLUMN trend;
ALTER TABLE kpi_states DROP COLUMN rules;
