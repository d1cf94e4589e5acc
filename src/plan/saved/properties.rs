//! What holds for every saved plan.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;

use super::deeds::{Place, Reading, Verdict, a_deed, values};
use super::{Saved, judge};
use crate::desired::SecretSource;
use crate::plan::diff::users::user_of;
use crate::plan::policy::{Allow, Policy};
use crate::plan::project::project;
use crate::plan::properties::{Words, a_site, config, json, manifest, words};
use crate::plan::worlds::{Manifest, Site, lines};
use crate::plan::{Change, KeptWhy, Phase, Plan, takes};

/// A manifest whose plan can be saved.
pub(super) fn savable(words: &Words, site: &Site) -> Manifest {
    manifest(words, site).change(|desired| {
        for client in desired.clients.values_mut() {
            if let Some(secret) = &mut client.secret {
                secret.value = SecretSource::Variable("x".to_owned());
            }
        }
    })
}

fn saved(manifest: &Manifest, site: &Site) -> Saved {
    let saved = Saved::new(&manifest.plan(site), &manifest.desired, &site.0).expect("no literal secret");
    Saved::read(&saved.text()).expect("it is whole")
}

/// The changes that were made when a run stopped at some place: within a phase they are made at the same time.
fn first(plan: &Plan, stop: usize, some: u64) -> Vec<&Change> {
    let phase = plan.changes.get(stop).map(|change| change.phase);
    let mut made = BTreeSet::new();
    let done = |change: &&Change| {
        let free = Some(change.phase) == phase && some & (1 << (change.id % 64)) != 0;
        let one_by_one = change.phase == Phase::Own;
        let starts =
            (change.id as usize) < stop && (one_by_one || Some(change.phase) != phase) || free && !one_by_one;
        let does = starts && change.needs.iter().all(|need| made.contains(need));
        does && made.insert(change.id)
    };
    plan.changes.iter().filter(done).collect()
}

proptest! {
    #![proptest_config(config())]

    /// Stopped anywhere: all of the phases before, and of that phase any changes that do not need others of it.
    /// Just what is so already is not done again: whatever of the plan was made, and of the rest what takes
    /// what is gone (a row that went with its group).
    #[test]
    fn a_saved_plan_goes_on_where_it_stopped(
        site in a_site(), words in words(), stop in any::<Index>(), some in any::<u64>(),
    ) {
        let manifest = savable(&words, &site);
        let plan = manifest.plan(&site);
        let saved = saved(&manifest, &site);
        let first = first(&plan, stop.index(plan.changes.len() + 1), some);
        let now = project(&site.0, first.iter().copied());
        let judged = judge(&saved, &now, &Policy::default(), &Allow::new()).expect("it could come true before");
        let made: Vec<u32> = first.iter().map(|change| change.id).collect();
        let show = || format!("{made:?} made of\n{}", lines(&plan).join("\n"));

        // Whom the plan itself makes privileged is not pruned any more, and the plan says that it would.
        let spared = |id: &u32| {
            let user = user_of(&plan.changes[*id as usize].object).map(|user| user.to_string());
            let kept = judged.plan.kept.iter().filter(|kept| kept.why == KeptWhy::Privileged);
            plan.changes[*id as usize].implied && user.is_some_and(|user| kept.flat_map(|kept| &kept.items).any(|item| *item == user))
        };
        prop_assert!(judged.drift.iter().flat_map(|drift| &drift.changes).all(spared), "{:?} {}", judged.drift, show());
        if !judged.drift.is_empty() {
            return Ok(());
        }

        let idle = |change: &&Change| {
            takes(change) && project(&site.0, first.iter().copied().chain([*change])) == now
        };
        let rest = plan.changes.iter().filter(|change| !made.contains(&change.id));
        let already: BTreeSet<u32> = made.iter().copied().chain(rest.filter(idle).map(|change| change.id)).collect();
        let left: Vec<u32> = (0..).take(plan.changes.len()).filter(|id| !already.contains(id)).collect();
        prop_assert_eq!(&judged.left, &left, "{}", show());
        prop_assert_eq!(&judged.already, &already, "{}", show());
        if made.is_empty() {
            prop_assert_eq!(json(&Plan { blind_spots: vec![], kept: vec![], ..judged.plan }), json(&Plan { blind_spots: vec![], kept: vec![], ..plan }));
        }
    }

    /// Whatever somebody else does to what the plan is about, the plan goes on only to what was agreed to.
    #[test]
    fn what_is_done_behind_its_back_is_drift_unless_it_is_no_matter_of_the_plan(
        site in a_site(), words in words(), deed in a_deed(),
    ) {
        let manifest = savable(&words, &site);
        let plan = manifest.plan(&site);
        let Some(now) = deed.done(&site.0, &plan) else { return Ok(()) };
        let reading = Reading::new(&site, &manifest, &plan);
        let verdict = reading.verdict(&now);
        let judged = judge(&saved(&manifest, &site), &now, &Policy::default(), &Allow::new());
        let show = || format!("{deed:?} {verdict:?} {:#?}\n{}", reading.changed(&now), lines(&plan).join("\n"));
        // An entry that cannot come true any more refuses the plan as well.
        let goes_on = judged.ok().filter(|judged| judged.drift.is_empty() || verdict == Verdict::Elsewhere);
        prop_assert!(goes_on.is_none() || verdict != Verdict::Drift, "{}", show());
        let Some(judged) = goes_on else {
            prop_assert!(verdict != Verdict::Elsewhere, "{}", show());
            return Ok(());
        };
        if verdict == Verdict::Elsewhere {
            prop_assert_eq!(&judged.drift, &vec![], "{}", show());
            prop_assert_eq!(judged.left.len(), plan.changes.len(), "{}", show());
        }
        let (after, end) = (values(&site.0, &now), values(&site.0, &project(&now, &judged.plan.changes)));
        let (first, last) = (reading.first(), reading.last());
        let places: BTreeSet<&Place> = first.keys().chain(last.keys()).chain(after.keys()).chain(end.keys()).collect();
        for place in places {
            let wanted = if first.get(place) == last.get(place) { after.get(place) } else { last.get(place) };
            let new_id = place.is_id() && wanted.is_some() && end.contains_key(place);
            if !(reading.is_no_plans(place) || new_id) {
                prop_assert_eq!(end.get(place), wanted, "{:?} {}", place, show());
            }
        }
    }
}
