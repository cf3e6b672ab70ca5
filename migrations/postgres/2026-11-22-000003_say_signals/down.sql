ALTER TABLE kpi_states DROP COLUMN rules;
ALTER TABLE kpi_states DROP COLUMN trend;
