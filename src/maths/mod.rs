//! The pure maths of KPIs and OKRs: numbers and dates in, numbers and dates out.
//! It knows no database, no request and no clock, so the instant that counts as now is always an argument.
//! It never fails and never yields NaN or infinity: what is undefined is `None`.

pub mod checkpoint;
pub mod coarser;
pub mod decision;
pub mod drift;
pub mod episode;
pub mod forecast;
pub mod formula;
pub mod freshness;
pub mod guardrail;
pub mod health;
pub mod links;
pub mod mix;
pub mod natural_limits;
pub mod number;
pub mod period;
pub mod progress;
pub mod remedy;
pub mod retrospective;
pub mod roll_up;
pub mod series;
pub mod shapley;
pub mod signal;
pub mod smart;
pub mod usefulness;
pub mod word;

pub use checkpoint::{Checkpoint, MOST_READ, NewestSegment};
pub use coarser::{shown_cadence, target_of_longer, year_before};
pub use decision::{Choice, Expectation, ExpectationInput, Expects, JudgedExpectation, expectation};
pub use episode::{
    ClosedBy, DEFAULT_RECOVER_PERIODS, Episode, EpisodeRules, default_confirm_periods, episodes,
};
pub use forecast::{
    Crossing, Expected, FEWEST_SAMPLES, Heading, Line, MOST_SAMPLES, STEPS_AHEAD, Sample as LineSample, Step,
    crossing, leaves_soon, theil_sen,
};
pub use freshness::{Freshness, FreshnessDates, freshness, freshness_dates, grace_days, longest_grace_days};
pub use guardrail::{Breach, GuardrailInput, breach};
pub use health::{
    Band, DatedTarget, Direction, Health, HealthReason, LARGEST_VALUE, Target, TargetFault, TargetField,
    change_is_good, direction, gap, judge, judge_running, severity, target_in_force,
};
pub use natural_limits::{FEWEST_VALUES, NaturalLimits, Reading, mean_moving_range, natural_limits};
pub use period::{Aggregation, Cadence, Calendar, Folded, Period, Sample, days_between, fold};
pub use progress::{
    Confidence, ConfidenceCounts, KeyResultFault, KeyResultGoal, KeyResultKind, ObjectiveOutcome, Pace,
    Progress, ProgressSource, check_in_due_on, check_in_overdue, confidence_counts, expected, expected_value,
    net_confidence, pace,
};
pub use remedy::{
    Baseline, Recovery, RemedyInput, RemedyLink, RemedyObjective, RemedyOutcome, days_to_recovery,
    days_to_remedy, effect_by, may_be_chance, outcome, recovery, share_of_gap_closed,
};
pub use roll_up::{Contribution, Item, LeftOut, RollUp, Standing, objective_pace, roll_up};
pub use series::{
    Current, Judged, KpiSettings, KpiState, PeriodValue, Running, Spell, complete_periods, complete_values,
    judge_series, state, state_after,
};
pub use shapley::shapley;
pub use signal::{Because, Judgement, RECENT_VALUES, Rule, Segment, Trend, judge_trend, segments};
pub use smart::{
    AdviceCode, KeyResultFacts, KpiFacts, Link, MOST_KPIS_OF_TEAM, MOST_KPIS_ON_BOARD, ObjectiveFacts,
    Standing as DriverStanding, advice_on_key_result, advice_on_kpi, advice_on_objective, green_but_flat,
    reach,
};
pub use usefulness::{Decided, Stretch, Usefulness, UsefulnessInput, UsefulnessVerdict, usefulness};
pub use word::{UnknownWord, Word};
