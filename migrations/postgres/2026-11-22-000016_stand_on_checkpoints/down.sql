DROP TABLE kpi_checkpoints;
