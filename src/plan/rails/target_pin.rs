//! Another server or zone than the manifest pins.

use super::finding;
use crate::desired::{Desired, Said, TargetPin};
use crate::observed::Server;
use crate::plan::{Finding, Rail};

/// Judges the manifest's pin before anything is sent that a wrong server should not see: the issuer, and the zone
/// where `server.zone` is known (not empty).
#[must_use]
pub fn check_pin(desired: &Desired, server: &Server) -> Vec<Finding> {
    let TargetPin { issuer, zone, origins: _ } = &desired.pin;
    let differs = |what: &str, pinned: &Option<Said<String>>, is: &str| {
        let Said { value, because } = pinned.as_ref()?;
        (value != is).then(|| {
            let message = format!(
                "The manifest is for {what} `{value}` ({because}), and the server at `{}` has {what} `{is}`.",
                server.url
            );
            finding(Rail::TargetPin, None, Vec::new(), message)
        })
    };
    let mut findings: Vec<Finding> = differs("issuer", issuer, &server.issuer).into_iter().collect();
    if !server.zone.is_empty() {
        findings.extend(differs("zone", zone, &server.zone));
    }
    findings
}
