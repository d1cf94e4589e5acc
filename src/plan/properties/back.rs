//! What holds for parts of plans.

use proptest::prelude::*;

use super::super::only::{Only, Wanted};
use super::*;

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
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

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
            super::super::make_only(&manifest.desired, site, &Policy::default(), &Allow::new(), &Only::new(wanted))
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
