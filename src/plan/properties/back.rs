//! What holds for parts of plans, and for the way back.

use proptest::prelude::*;

use super::super::only::{Only, Wanted};
use super::super::undo::{LostWhy, Undo, Undone};
use super::*;
use crate::model::KeyPart;
use crate::report::{Outcome, Report};

/// Something that a change is about, as `--only` names it.
fn named(change: &Change, by_group: bool) -> Wanted {
    let kind = match (change.kind, by_group) {
        (Kind::User, _) => "user",
        (Kind::Group, _) => "group",
        (Kind::Client, _) => "client",
        (Kind::Member, false) => "member",
        (Kind::ExternalGroup, false) => "external_group",
        (Kind::Member | Kind::ExternalGroup, true) => {
            let group = change.key.split('/').next().expect("a part");
            return format!("group/{group}").parse().expect("a name");
        }
    };
    format!("{kind}/{}", change.key).parse().expect("a plan's key is a name")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_part_has_what_it_needs_and_is_all_of_what_it_names(
        site in a_site(), words in words(), picks in proptest::collection::vec((0..100_usize, any::<bool>()), 1..4),
    ) {
        let manifest = manifest(&words, &site).change(|desired| {
            // Whom the plan itself makes privileged is not pruned any more.
            desired.prune = crate::desired::Prune::default();
        });
        let whole = manifest.plan(&site);
        prop_assume!(!whole.is_empty());
        let of = |pick: usize| &whole.changes[pick % whole.changes.len()];
        let wanted: Vec<Wanted> = picks.iter().map(|(pick, group)| named(of(*pick), *group)).collect();
        let make = |site: &Observed, wanted: &[Wanted]| {
            super::super::make_only(&manifest.desired, site, &Policy::default(), &crate::plan::policy::Allow::new(), &Only::new(wanted))
        };
        let (part, unmatched) = make(&site.0, &wanted).expect("a plan");
        prop_assert_eq!(unmatched, vec![]);
        prop_assert_eq!(part.only.as_ref().map(|only| only.left_out), Some(whole.changes.len() - part.changes.len()));
        // Each is one of the whole plan, with as many needs, each of which comes before it.
        let bare = |change: &Change| Change { id: 0, needs: vec![], risks: vec![], notes: vec![], ..change.clone() };
        for change in &part.changes {
            let same = whole.changes.iter().find(|other| bare(other) == bare(change)).expect("of the whole plan");
            prop_assert_eq!(same.needs.len(), change.needs.len());
            prop_assert!(change.needs.iter().all(|need| *need < change.id));
        }
        // Users, groups and clients that are named are as the whole plan leaves them.
        let all = Only::new(&wanted).knowing(&manifest.desired);
        for change in whole.changes.iter().filter(|change| all.names(&change.object)) {
            prop_assert!(part.changes.iter().any(|other| bare(other) == bare(change)), "{}", change.key);
        }
        // And then nothing of the part is left to do.
        let after = project(&site.0, &part.changes);
        let (second, _) = make(&after, &wanted).expect("a plan");
        prop_assert_eq!(second.changes, vec![]);
        // All that there is, named one by one, is the plan.
        let every: Vec<Wanted> = whole.changes.iter().map(|change| named(change, false)).collect();
        let (every, _) = make(&site.0, &every).expect("a plan");
        prop_assert_eq!(every.changes, whole.changes);
    }
}

/// What of a state must come back: ids aside.
#[derive(Debug, PartialEq)]
struct State {
    users: BTreeMap<UserKey, Vec<crate::plan::FieldValue>>,
    groups: BTreeMap<GroupName, String>,
    rows: BTreeSet<String>,
    mappings: BTreeSet<String>,
    clients: BTreeMap<ClientId, ClientFields>,
}

fn state(observed: &Observed) -> State {
    let user = |user: &crate::observed::ObservedUser| {
        let fields = super::super::user_fields(user).into_values().collect();
        (user.key.clone(), fields)
    };
    let names: BTreeMap<&Guid, &UserKey> = observed.names.iter().collect();
    let member = |id: &Guid| match (names.get(id), observed.group_by_id(id)) {
        (Some(user), _) => user.to_string(),
        (None, Some(group)) => format!("group:{}", group.name),
        (None, None) => format!("!{id}"),
    };
    let rows = observed.groups.values().flat_map(|group| {
        let rows = group.rows.iter();
        rows.map(move |(id, row)| (group, id, row)).collect::<Vec<_>>()
    });
    let rows = rows.map(|(group, id, row)| {
        let login = if row.origin.is_uaa() { "" } else { "~" };
        format!("{login}{}/{}", KeyPart(group.name.as_str()), member(id))
    });
    let client = |client: &crate::observed::ObservedClient| {
        let mut fields = crate::client::normal(client.fields.clone());
        // To UAA a client is there unless told otherwise.
        fields.entry(ClientField::ShowOnHomePage).or_insert(ClientValue::Flag(true));
        (client.id.clone(), fields)
    };
    State {
        users: observed.users.values().map(user).collect(),
        groups: observed
            .groups
            .values()
            .map(|group| (group.name.clone(), group.description.clone()))
            .collect(),
        // A group that was deleted comes back in the plan's spelling.
        rows: rows.map(|row: String| row.to_lowercase()).collect(),
        mappings: observed.mappings.iter().map(|mapping| mapping.to_string().to_lowercase()).collect(),
        clients: observed.clients.values().map(client).collect(),
    }
}

fn undone(report: &Report, now: &Observed) -> Undone {
    let undo = Undo::of(report);
    let none = (Policy::default(), crate::plan::policy::Allow::new(), Only::default());
    undo.plan(now, &none.0, &none.1, &none.2).expect("it could come true before")
}

/// Keys that are said not to come back, or to be kept.
fn named_as_lost(undone: &Undone) -> BTreeSet<String> {
    let lost = undone.plan.lost.iter().filter(|lost| {
        matches!(lost.why, LostWhy::DerivedMembership | LostWhy::UnnamedMembers | LostWhy::NotInReport)
    });
    let lost = lost.flat_map(|lost| lost.items.clone());
    let kept = undone.plan.kept.iter().flat_map(|kept| kept.items.clone());
    lost.chain(kept).map(|item| item.to_lowercase()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// However far a run came, and whatever became of the change at which it ended.
    #[test]
    fn undone_all_is_as_before_but_for_what_is_named(
        site in a_site(), words in words(), share in 0.0..=1.0, unknown in any::<bool>(), made_so in any::<bool>(),
    ) {
        let plan = manifest(&words, &site).plan(&site);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "small")]
        let made = (share * plan.changes.len() as f64) as usize;
        let mut report = Report::of(&plan);
        for applied in &mut report.changes[..made] {
            applied.outcome = Outcome::Done;
        }
        let mut really = made;
        if unknown && made < plan.changes.len() {
            report.changes[made].outcome = Outcome::Unknown;
            really += usize::from(made_so);
        }
        let after = project(&site.0, &plan.changes[..really]);
        let way = undone(&report, &after);
        prop_assert_eq!(&way.drift, &vec![]);
        let back = project(&after, &way.plan.changes);
        let (before, now, named) = (state(&site.0), state(&back), named_as_lost(&way));
        prop_assert_eq!(&before.users, &now.users);
        prop_assert_eq!(&before.groups, &now.groups);
        let is_named = |row: &String| {
            let row = row.trim_start_matches('~');
            let group = row.split('/').next().unwrap_or_default();
            // Members that had no name are counted, by their group.
            named.contains(row) || named.contains(group)
        };
        let unlike = before.rows.symmetric_difference(&now.rows).filter(|row| !is_named(row));
        prop_assert_eq!(unlike.collect::<Vec<_>>(), Vec::<&String>::new());
        let unlike = before.mappings.symmetric_difference(&now.mappings).filter(|mapping| !named.contains(*mapping));
        prop_assert_eq!(
            unlike.collect::<Vec<_>>(), Vec::<&String>::new(),
            "{:?} {:?} {:?}", super::super::worlds::lines(&plan), super::super::worlds::lines(&way.plan), way.plan.kept
        );
        for (id, fields) in &before.clients {
            if !named.contains(&id.as_str().to_lowercase()) {
                prop_assert_eq!(Some(fields), now.clients.get(id), "{}", id);
            }
        }
        prop_assert!(now.clients.keys().all(|id| before.clients.contains_key(id)));
        // Then nothing is left to undo.
        let again = undone(&report, &back);
        prop_assert_eq!((&again.plan.changes, &again.drift), (&vec![], &vec![]));
        // And the way back can be taken back, where nothing got lost.
        if named.is_empty() {
            let mut report = Report::of(&way.plan);
            for applied in &mut report.changes {
                applied.outcome = Outcome::Done;
            }
            let forth = undone(&report, &back);
            prop_assert_eq!(&forth.drift, &vec![]);
            if named_as_lost(&forth).is_empty() {
                prop_assert_eq!(state(&project(&back, &forth.plan.changes)), state(&after));
            }
        }
    }
}
