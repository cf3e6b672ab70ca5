//! The row of a workspace, which every transaction inside it holds.

use diesel::prelude::*;

use super::ids::WorkspaceId;
use super::schema::workspaces;
use super::types::Moment;
use crate::maths::period::Calendar;

/// A workspace as it is stored.
#[derive(Clone, Debug, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = workspaces, treat_none_as_null = true)]
pub struct WorkspaceRow {
    pub id: WorkspaceId,
    pub slug: String,
    pub name: String,
    pub name_folded: String,
    pub time_zone: String,
    pub week_starts_on: WeekDay,
    pub check_in_rhythm_days: i32,
    pub event_sequence: i64,
    pub version: i32,
    pub created_at: Moment,
    pub updated_at: Moment,
    pub deleted_at: Option<Moment>,
    /// Counts the transactions that changed anything in the workspace.
    pub revision: i64,
}

crate::maths::word::words! {
    /// A day of the week.
    pub enum WeekDay {
        /// Monday.
        Monday = "monday",
        /// Tuesday.
        Tuesday = "tuesday",
        /// Wednesday.
        Wednesday = "wednesday",
        /// Thursday.
        Thursday = "thursday",
        /// Friday.
        Friday = "friday",
        /// Saturday.
        Saturday = "saturday",
        /// Sunday.
        Sunday = "sunday",
    }
}
super::types::impl_sql_words!(WeekDay);

impl WorkspaceRow {
    /// The workspace's calendar: its time zone and the day on which its weeks begin.
    ///
    /// A stored zone is one that was accepted; should the zone data lose it, days fall back to UTC.
    pub fn calendar(&self) -> Calendar {
        Calendar {
            zone: jiff::tz::TimeZone::get(&self.time_zone).unwrap_or(jiff::tz::TimeZone::UTC),
            week_starts_on: self.week_starts_on.weekday(),
        }
    }
}

impl WeekDay {
    /// The same day for the maths.
    pub fn weekday(self) -> jiff::civil::Weekday {
        use jiff::civil::Weekday;
        match self {
            Self::Monday => Weekday::Monday,
            Self::Tuesday => Weekday::Tuesday,
            Self::Wednesday => Weekday::Wednesday,
            Self::Thursday => Weekday::Thursday,
            Self::Friday => Weekday::Friday,
            Self::Saturday => Weekday::Saturday,
            Self::Sunday => Weekday::Sunday,
        }
    }
}
