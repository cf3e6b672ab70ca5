ALTER TABLE kpi_states DROP COLUMN trend;
