//! That the properties speak about everything: what the generators never make, no property has seen.

use std::collections::BTreeSet;

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use schemars::JsonSchema;
use serde::Serialize;

use super::{NamePattern, a_site, manifest, strict, words};
use crate::plan::{Action, BlindSpotWhat, KeptWhy, Kind, Phase, Rail, Risk};

/// Every word that a type of words has.
fn all<T: JsonSchema>() -> BTreeSet<String> {
    let schema = serde_json::to_value(schemars::schema_for!(T)).expect("a schema is JSON");
    let variants = schema["oneOf"].as_array().into_iter().flatten();
    let words = variants.flat_map(|variant| {
        let listed = variant["enum"].as_array().into_iter().flatten();
        listed.chain(variant.get("const")).map(|word| word.as_str().expect("a word").to_owned())
    });
    words.collect()
}

/// What has been seen of a type of words.
#[derive(Default)]
struct Seen(BTreeSet<String>);

impl Seen {
    fn add<T: Serialize>(&mut self, values: impl IntoIterator<Item = T>) {
        for value in values {
            let word = serde_json::to_value(value).expect("a word is JSON");
            self.0.insert(word.as_str().expect("a word").to_owned());
        }
    }
}

#[test]
fn the_generators_reach_every_action_rail_reason_risk_and_blind_spot() {
    let mut runner = TestRunner::deterministic();
    let [mut actions, mut kinds, mut phases, mut rails, mut kept, mut risks, mut blind]: [Seen; 7] =
        Default::default();
    let other = |name: &str| vec![NamePattern::new(name).expect("a pattern")];
    for _ in 0..600 {
        let site = a_site().new_tree(&mut runner).expect("a site").current();
        let words = words().new_tree(&mut runner).expect("words").current();
        let manifest = manifest(&words, &site).policy(strict);
        let manifest =
            manifest.policy(|policy| drop(policy.owners.insert("other.yml".to_owned(), other("user/c"))));
        let plan = manifest.plan(&site);
        rails.add(plan.findings.iter().map(|finding| finding.rail));
        kept.add(plan.kept.iter().map(|kept| kept.why));
        blind.add(plan.blind_spots.iter().map(|spot| spot.what));
        let keys: Vec<&str> = plan.findings.iter().filter_map(|finding| finding.key.as_deref()).collect();
        for plan in [&plan, &manifest.allowing(&site, &keys)] {
            actions.add(plan.changes.iter().map(|change| change.action));
            kinds.add(plan.changes.iter().map(|change| change.kind));
            phases.add(plan.changes.iter().map(|change| change.phase));
            risks.add(plan.changes.iter().flat_map(|change| change.risks.clone()));
        }
    }
    assert!(all::<Rail>().len() > 10, "the words are found");
    let expected = [
        all::<Action>(),
        all::<Kind>(),
        all::<Phase>(),
        all::<Rail>(),
        all::<KeptWhy>(),
        all::<Risk>(),
        all::<BlindSpotWhat>(),
    ];
    let found = [actions, kinds, phases, rails, kept, risks, blind].map(|seen| seen.0);
    assert_eq!(found, expected);
}
