//! What changed between two reports.
//!
//! Decides which reports can be compared: those of one server and zone that ask for the same. Times alone are no change:
//! people log on.

use std::collections::{BTreeMap, BTreeSet};

use super::findings::words;
use super::report::{Access, Change, ChangeWhat, Changes, FORMAT, Holder, Who};
use crate::model::GroupName;

/// Reads an earlier report's text.
///
/// # Errors
/// Whatever is no report of a format that this version knows; why.
pub fn read(text: &str) -> Result<Access, String> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    match value.get("format").and_then(serde_json::Value::as_u64) {
        Some(format) if format == u64::from(FORMAT) => {
            serde_json::from_value(value).map_err(|error| error.to_string())
        }
        Some(format) => Err(format!("it has format {format}, which this version does not know")),
        None => Err("it has no `format`".to_owned()),
    }
}

/// Says what changed since an earlier report.
///
/// # Errors
/// Why the two cannot be compared.
pub fn compare(earlier: &Access, now: &Access) -> Result<Changes, String> {
    if (&earlier.target.issuer, &earlier.target.zone) != (&now.target.issuer, &now.target.zone) {
        return Err(format!(
            "it is of {}, zone {}, and this one of {}, zone {}",
            earlier.target.issuer, earlier.target.zone, now.target.issuer, now.target.zone
        ));
    }
    let asks = |report: &Access| {
        let mut asked = report.asked.clone();
        // What counts as long changes no access.
        asked.stale_days = 0;
        asked
    };
    if asks(earlier) != asks(now) {
        return Err("it was asked for other scopes, or with other filters".to_owned());
    }
    if now.asked.unknown && earlier.manifest_digest != now.manifest_digest {
        return Err("it lists what another manifest does not know".to_owned());
    }
    let (before, after) = (index(earlier), index(now));
    let mut changes = Vec::new();
    for at in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let mut say = |what, detail: String| {
            let (scope, key) = at.clone();
            changes.push(Change { scope, key, what, detail });
        };
        match (before.get(at), after.get(at)) {
            (None, Some(holder)) => {
                say(ChangeWhat::Gained, ways(holder).into_iter().collect::<Vec<_>>().join("; "))
            }
            (Some(holder), None) => {
                say(ChangeWhat::Lost, ways(holder).into_iter().collect::<Vec<_>>().join("; "))
            }
            (Some(before), Some(after)) => differences(before, after, say),
            (None, None) => {}
        }
    }
    changes.sort();
    Ok(Changes { since: earlier.made, changes })
}

fn index(report: &Access) -> BTreeMap<(GroupName, String), &Holder> {
    // Two accounts of one name, which some databases allow, are told apart by their ids.
    let mut index: BTreeMap<(GroupName, String), &Holder> = BTreeMap::new();
    for holder in &report.holders {
        let mut at = (holder.scope.clone(), holder.key());
        if let (true, Who::User { id, .. }) = (index.contains_key(&at), &holder.who) {
            at.1 = format!("{} ({id})", at.1);
        }
        index.insert(at, holder);
    }
    index
}

fn ways(holder: &Holder) -> BTreeSet<String> {
    holder.ways.iter().map(words).collect()
}

fn differences(before: &Holder, after: &Holder, mut say: impl FnMut(ChangeWhat, String)) {
    let (had, has) = (ways(before), ways(after));
    for way in has.difference(&had) {
        say(ChangeWhat::WayGained, way.clone());
    }
    for way in had.difference(&has) {
        say(ChangeWhat::WayLost, way.clone());
    }
    if let (Who::User { id: old, active: was, .. }, Who::User { id: new, active: is, .. }) =
        (&before.who, &after.who)
    {
        if old != new {
            say(ChangeWhat::Account, format!("another account of the same name: {old}, then {new}"));
        } else if was != is {
            let word = |active: &Option<bool>| match active {
                Some(true) => "active",
                Some(false) => "inactive",
                None => "not known",
            };
            say(ChangeWhat::Active, format!("{}, then {}", word(was), word(is)));
        }
    }
}
