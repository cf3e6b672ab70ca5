-- The first day of the period on which the forecast leaves the healthy band, where that is one of the next two.
ALTER TABLE kpi_states ADD COLUMN leaves_on date;

-- How far the KPI has been, or may be without any change of its process: what a target is held against.
ALTER TABLE kpi_states ADD COLUMN reach_min double precision;
ALTER TABLE kpi_states ADD COLUMN reach_max double precision;

-- What is planned about a KPI, and what failed; the next change of any of it counts anew.
ALTER TABLE kpis ADD COLUMN planned_remedies integer NOT NULL DEFAULT 0;
ALTER TABLE kpis ADD COLUMN failed_remedies integer NOT NULL DEFAULT 0;
UPDATE kpis SET
    planned_remedies = (
        SELECT count(*) FROM remedies
        WHERE remedies.kpi_id = kpis.id AND withdrawn_at IS NULL AND shown_outcome = 'planned'
    ),
    failed_remedies = (
        SELECT count(*) FROM remedies
        WHERE remedies.kpi_id = kpis.id AND withdrawn_at IS NULL AND shown_outcome = 'failed'
    );

-- A remedy may prevent.
ALTER TABLE remedies DROP CONSTRAINT remedies_outcome_known;
ALTER TABLE remedies ADD CONSTRAINT remedies_outcome_known CHECK (shown_outcome IN ('withdrawn', 'recovered', 'relapsed', 'target_moved', 'planned', 'in_progress', 'awaiting_effect', 'failed', 'held'));
