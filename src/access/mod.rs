//! Who can reach what, and why: `Observed` (and `Desired`) → [`Access`], the report of a review.
//!
//! Every way in counts: rows of members, direct and through nested groups, an administrator's or a login's; external
//! group mappings, which let in everyone in that group of the identity provider; authorities of clients; default groups.
//! Each row that leads to a scope is one way, with a shortest path; the groups nested in each other stand beside it, so
//! that nothing is left out and the work stays linear in rows.
//!
//! Who is in an external group only the identity provider knows. A client's `scope` lets nobody in: it decides whether the
//! tokens of those who are in can carry the scope, and is listed per scope. Pure: no network, no clock.

mod choice;
mod compare;
mod findings;
mod graph;
mod known;
mod report;
mod review;
#[cfg(test)]
mod tests;

pub use choice::Asked;
pub use compare::{compare, read};
pub use report::{
    Access, BlindSpot, Change, ChangeWhat, Changes, FORMAT, Finding, FindingWhat, Holder, How, Item, Known,
    Nesting, Scope, Summary, Unusable, Way, Who,
};

use std::collections::{BTreeMap, BTreeSet};

use crate::desired::Desired;
use crate::model::{GroupName, Guid};
use crate::moment::Moment;
use crate::observed::{Observed, ObservedGroup};
use choice::Choice;
use graph::Graph;

/// Returns the users whom a review of these scopes has to know: all members that lead to them.
#[must_use]
pub fn members(groups: &BTreeMap<GroupName, ObservedGroup>, asked: &Asked) -> BTreeSet<Guid> {
    let (graph, choice) = (Graph::new(groups), Choice::new(asked));
    let roots =
        graph.scopes().filter(|(scope, _)| choice.scope(scope)).flat_map(|(_, roots)| roots.iter().copied());
    graph.users(&graph.inner(roots))
}

/// Makes the report; `now` is the time that "not for so many days" counts from.
#[must_use]
pub fn review(observed: &Observed, desired: Option<&Desired>, asked: &Asked, now: Moment) -> Access {
    review::make(observed, desired, asked, now)
}
