//! What holds for every saved plan.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::deeds::{Place, Reading, Verdict, a_deed, values};
use super::{Saved, judge};
use crate::desired::SecretSource;
use crate::plan::diff::users::user_of;
use crate::plan::policy::{Allow, Policy};
use crate::plan::project::project;
use crate::plan::properties::{Words, a_site, config, json, manifest, words};
use crate::plan::worlds::{Manifest, Site, lines};
use crate::plan::{Change, KeptWhy, Plan, takes};

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

proptest! {
    #![proptest_config(config())]

    /// Just what is so already is not done again: whatever of the plan was made, and of the rest what takes
    /// what is gone (a row that went with its group).
    #[test]
    fn a_saved_plan_goes_on_where_it_stopped(site in a_site(), words in words(), share in 0.0..=1.0) {
        let manifest = savable(&words, &site);
        let plan = manifest.plan(&site);
        let saved = saved(&manifest, &site);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "small")]
        let made = (share * plan.changes.len() as f64) as usize;
        let now = project(&site.0, &plan.changes[..made]);
        let judged = judge(&saved, &now, &Policy::default(), &Allow::new()).expect("it could come true before");
        let show = || format!("{made} made of\n{}", lines(&plan).join("\n"));

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

        let (first, rest) = plan.changes.split_at(made);
        let idle = |change: &&Change| takes(change) && project(&site.0, first.iter().chain([*change])) == now;
        let already: BTreeSet<u32> = first.iter().chain(rest.iter().filter(idle)).map(|change| change.id).collect();
        let left: Vec<u32> = (0..).take(plan.changes.len()).filter(|id| !already.contains(id)).collect();
        prop_assert_eq!(&judged.left, &left, "{}", show());
        prop_assert_eq!(&judged.already, &already, "{}", show());
        if made == 0 {
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
            if !reading.is_no_plans(place) && !(place.is_id() && wanted.is_some() && end.contains_key(place)) {
                prop_assert_eq!(end.get(place), wanted, "{:?} {}", place, show());
            }
        }
    }
}
