//! The UAA versions that the lab can start, and where each comes from. Decides nothing at run time.

use std::fmt;
use std::str::FromStr;

/// A UAA release that runs on Java 17 and Tomcat 9.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UaaVersion {
    /// 4.10.0 of February 2018, the time of PKS 1.0.
    V4_10_0,
    /// 4.30.0 of 2019.
    V4_30_0,
}

impl fmt::Display for UaaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4_10_0 => "4.10.0",
            Self::V4_30_0 => "4.30.0",
        })
    }
}

impl FromStr for UaaVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "4.10.0" => Ok(Self::V4_10_0),
            "4.30.0" => Ok(Self::V4_30_0),
            other => Err(format!("the lab has no UAA {other}; it has 4.30.0 and 4.10.0")),
        }
    }
}
