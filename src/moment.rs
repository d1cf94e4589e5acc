//! A point in time, as UAA tells it and as reports show it: UTC, to the second.
//!
//! Knows no clock: what time it is comes from whoever runs a command.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const SECONDS_A_DAY: i64 = 86_400;

/// A point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Moment(DateTime<Utc>);

impl Moment {
    /// Takes milliseconds since 1970; `None` beyond any calendar.
    #[must_use]
    pub fn from_millis(millis: i64) -> Option<Self> {
        Self::from_seconds(millis.div_euclid(1000))
    }

    /// Takes seconds since 1970; `None` beyond any calendar.
    #[must_use]
    pub fn from_seconds(seconds: i64) -> Option<Self> {
        DateTime::from_timestamp(seconds, 0).map(Self)
    }

    /// Reads `2026-11-23T21:10:52.289Z`; `None` where it is no such text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let read = DateTime::parse_from_rfc3339(text).ok()?;
        Self::from_seconds(read.timestamp())
    }

    /// Returns the day: `2026-11-23`.
    #[must_use]
    pub fn day(self) -> String {
        self.0.format("%Y-%m-%d").to_string()
    }

    /// Returns how many whole days this is after `earlier`; 0 when it is not.
    #[must_use]
    pub fn days_after(self, earlier: Self) -> u64 {
        let seconds = self.0.timestamp().saturating_sub(earlier.0.timestamp());
        u64::try_from(seconds / SECONDS_A_DAY).unwrap_or_default()
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Secs, true))
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.to_string()
    }
}

impl TryFrom<String> for Moment {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("`{text}` is no time such as 2026-11-23T21:10:52Z"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uaas_two_forms_of_a_time_are_one() {
        let moment = Moment::parse("2026-11-23T21:10:52.289Z").expect("a time");
        assert_eq!(Moment::from_millis(1_795_468_252_289), Some(moment));
        assert_eq!(moment.to_string(), "2026-11-23T21:10:52Z");
        assert_eq!(Moment::try_from(moment.to_string()), Ok(moment));
        assert_eq!(moment.day(), "2026-11-23");
        assert_eq!(Moment::parse("yesterday"), None);
        assert_eq!(Moment::from_millis(i64::MAX), None);
        assert!(Moment::from_millis(-1).expect("a time").to_string().starts_with("1969-12-31T23:59:59"));
    }

    #[test]
    fn a_day_is_over_after_a_day() {
        let at = |text: &str| Moment::parse(text).expect("a time");
        let (then, now) = (at("2026-01-01T12:00:00Z"), at("2026-01-03T11:59:59Z"));
        assert_eq!((now.days_after(then), then.days_after(now)), (1, 0));
    }
}
