//! An exact group loses all its members. Says it all for that group: `removals` keeps silent then.

use super::{Count, finding, number};
use crate::model::KeyPart;
use crate::plan::{Finding, Rail};

pub(super) fn findings(counts: &[Count]) -> Vec<Finding> {
    counts.iter().filter(|count| empties(count)).map(speak).collect()
}

/// Tells whether nobody is left whom an administrator put there.
pub(super) fn empties(count: &Count) -> bool {
    count.exact && count.added == 0 && count.removed.len() >= count.before
}

fn speak(count: &Count) -> Finding {
    let Count { name, exact: _, before, removed, added: _ } = count;
    let message = format!("Group `{name}` would lose {}, and nobody would be left.", all(*before));
    finding(Rail::Empties, Some(format!("empties:{}", KeyPart(name.as_str()))), removed.clone(), message)
}

fn all(before: usize) -> String {
    match before {
        0 | 1 => "its only member".to_owned(),
        2 => "both its members".to_owned(),
        _ => format!("all its {}", number(before, "member")),
    }
}
