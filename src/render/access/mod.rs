//! A review of access as text, CSV, Markdown and HTML. JSON is the value itself.
//!
//! Here are the words that all of them use; each file decides only where they stand.

pub mod csv;
pub mod html;
pub mod markdown;
pub mod text;

#[cfg(test)]
mod tests;

use crate::access::{
    BlindSpot, ChangeWhat, FindingWhat, Holder, How, Known, Scope, Summary, Unusable, Way, Who,
};
use crate::model::GroupName;

/// The line over the items of a finding.
fn finding(what: FindingWhat, stale_days: u32) -> String {
    match what {
        FindingWhat::OutsideManifest => "a way in that the manifest does not speak of".to_owned(),
        FindingWhat::AgainstManifest => "a way in that the next apply takes away".to_owned(),
        FindingWhat::NeverLoggedOn => "never logged on".to_owned(),
        FindingWhat::Stale => format!("not logged on for {stale_days} days or more"),
        FindingWhat::Inactive => "inactive, with access as soon as the account is active again".to_owned(),
        FindingWhat::Ghost => "rows whose user is gone".to_owned(),
        FindingWhat::UnknownOrigin => "of an identity provider that the zone does not have".to_owned(),
        FindingWhat::SecretAge => {
            "client secrets whose age UAA does not tell: see your own records of rotation".to_owned()
        }
        FindingWhat::UnusableAuthority => "authorities that no token can hold".to_owned(),
        FindingWhat::UnusedGroup => "groups through which nobody comes".to_owned(),
        FindingWhat::NotCarried => "scopes that no client lets into a user's token".to_owned(),
    }
}

/// What could not be judged, and how it could be.
fn blind_spot(spot: BlindSpot) -> &'static str {
    match spot {
        BlindSpot::DefaultGroups => {
            "which groups everyone holds is not readable without zones.read: those that UAA ships are taken for them"
        }
        BlindSpot::Origins => {
            "which identity providers there are is not readable without idps.read: unknown origins are not found"
        }
        BlindSpot::History => "when accounts were used is not in this snapshot: take a new one, whole",
        BlindSpot::AmbiguousGroups => {
            "groups whose names differ only in case are left out, and whoever comes through them"
        }
    }
}

/// How many hold something.
fn counts(summary: Summary) -> String {
    let Summary { users, external_groups, clients, ghosts, findings: _ } = summary;
    let counts =
        [(users, "user"), (external_groups, "external group"), (clients, "client"), (ghosts, "ghost")];
    let counts = counts.into_iter().filter(|(number, noun)| *number > 0 || *noun == "user");
    counts.map(|(number, noun)| super::count(number, noun)).collect::<Vec<_>>().join(", ")
}

/// The same of one scope.
fn counts_of(scope: &Scope, holders: &[&Holder]) -> String {
    let mut summary = Summary::default();
    let mut everyone = false;
    for holder in holders {
        match &holder.who {
            Who::Everyone => everyone = true,
            Who::User { .. } => summary.users += 1,
            Who::ExternalGroup { .. } => summary.external_groups += 1,
            Who::Client { .. } => summary.clients += 1,
            Who::Ghost { .. } => summary.ghosts += 1,
        }
    }
    if scope.groups.is_empty() && holders.is_empty() {
        return "no such group, and no client has it".to_owned();
    }
    let everyone = if everyone { "everyone, by default; " } else { "" };
    format!("{everyone}{}", counts(summary))
}

/// The sort of holder, in a word.
fn kind(who: &Who) -> &'static str {
    match who {
        Who::Everyone => "everyone",
        Who::User { .. } => "user",
        Who::ExternalGroup { .. } => "external",
        Who::Client { .. } => "client",
        Who::Ghost { .. } => "ghost",
    }
}

/// What is known of a holder's use.
fn state(who: &Who) -> String {
    match who {
        Who::Everyone | Who::Ghost { .. } => String::new(),
        Who::ExternalGroup { .. } => "everyone in it".to_owned(),
        Who::User { active, times, .. } => {
            let inactive = if *active == Some(false) { "inactive, " } else { "" };
            let last = match times.as_ref().map(|times| times.last_logon) {
                None => "last logon not known".to_owned(),
                Some(None) => "never logged on".to_owned(),
                Some(Some(last)) => format!("last logon {}", last.day()),
            };
            format!("{inactive}{last}")
        }
        Who::Client { unusable: Some(Unusable::NoClientCredentials), .. } => {
            "no client_credentials".to_owned()
        }
        Who::Client { unusable: None, changed, .. } => match changed {
            Some(changed) => format!("changed {}", changed.day()),
            None => "last change not known".to_owned(),
        },
    }
}

/// Whether the path says more than the sort of way does.
fn path(way: &Way) -> Option<&[GroupName]> {
    (way.path.len() > 1).then_some(&way.path)
}

/// The sort of a way, where the path alone does not say it.
fn how(how: How) -> Option<&'static str> {
    match how {
        How::Direct => Some("direct"),
        How::Nested => None,
        How::Login => Some("login"),
        How::Mapping => Some("mapping"),
        How::Authority => Some("authority"),
        How::DefaultGroup => Some("default group"),
    }
}

/// What the manifest says, and where.
fn known(way: &Way) -> String {
    let word = way.manifest.map(Known::word).unwrap_or_default();
    match &way.because {
        Some(because) => format!("{word} {because}"),
        None => word.to_owned(),
    }
}

/// A change's sign and word.
fn change(what: ChangeWhat) -> (char, &'static str) {
    match what {
        ChangeWhat::Gained => ('+', "gained"),
        ChangeWhat::Lost => ('-', "lost"),
        ChangeWhat::WayGained => ('+', "another way"),
        ChangeWhat::WayLost => ('-', "a way less"),
        ChangeWhat::Active => ('~', "account"),
        ChangeWhat::Account => ('~', "account"),
    }
}
