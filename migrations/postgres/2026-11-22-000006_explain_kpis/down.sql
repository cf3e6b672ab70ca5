DROP TABLE kpi_segments;
DROP TABLE drivers;
DROP TABLE kpi_inputs;
ALTER TABLE kpis DROP COLUMN formula;
