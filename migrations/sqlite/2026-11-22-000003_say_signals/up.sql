-- Where a KPI is going, as of each stage of what it shows; null without a target, and with too few periods.
ALTER TABLE kpi_states ADD COLUMN trend TEXT CONSTRAINT kpi_states_trend_known CHECK (trend IN ('improving', 'deteriorating', 'steady'));
