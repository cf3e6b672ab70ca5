-- By which edition of the rules a stage was derived, so that a newer program knows what an older one left out.
ALTER TABLE kpi_states ADD COLUMN rules integer NOT NULL DEFAULT 0;

-- Where a KPI is going, as of each stage of what it shows; null without a target, and with too few periods.
ALTER TABLE kpi_states ADD COLUMN trend text COLLATE "C"
    CONSTRAINT kpi_states_trend_known CHECK (trend IN ('improving', 'deteriorating', 'steady'));
