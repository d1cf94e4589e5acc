//! The model of UAA (`uaapply_lab::model`) gives the answers of the real one.
//!
//! Random sequences of the requests that uaapply sends go to both, each to a zone as it was made; every answer and, at
//! the end, everything there is must be the same. What is not compared: times, the order of rows and of scopes, a
//! user's `groups` and `approvals`, and the text of SQL errors and of lists of grant types.
//!
//! `UAAPPLY_SEQUENCES=2000` runs more of them, `UAAPPLY_SEED=17` one again.

mod sequence;
mod side;

use std::collections::BTreeMap;

use serde_json::Value;
use uaapply_lab::UaaVersion;

use self::sequence::{Step, after_all, sequence};
use self::side::{Modelled, Real, Said};
use crate::world::foundation;

/// How many sequences an ordinary run sends, and how long each is.
const SEQUENCES: u64 = 120;
const STEPS: usize = 20;

/// As many zones as take turns: the real UAA has a few cores.
const ZONES: u64 = 4;

/// A body in the form in which both sides are compared.
type Body = Option<Value>;

/// Where the two differ.
struct Difference {
    at: usize,
    real: Said,
    model: Said,
    told: Vec<String>,
}

/// Sends a sequence to both.
async fn compare(real: &mut Real, steps: &[Step]) -> Option<Difference> {
    real.reset().await;
    let mut model = Modelled::like(real);
    let mut told = Vec::new();
    for (at, step) in steps.iter().chain(&after_all()).enumerate() {
        let (said, modelled) = (real.send(step).await, model.send(step));
        told.push(format!("{step} -> {}", said.status));
        if said != modelled {
            return Some(Difference { at, real: said, model: modelled, told });
        }
    }
    None
}

/// Leaves out what the difference does not need.
async fn shrunk(real: &mut Real, mut steps: Vec<Step>, mut found: Difference) -> (Vec<Step>, Difference) {
    steps.truncate(found.at + 1);
    let mut at = steps.len();
    while at > 0 {
        at -= 1;
        let mut fewer = steps.clone();
        fewer.remove(at);
        if let Some(difference) = compare(real, &fewer).await {
            (steps, found) = (fewer, difference);
        }
    }
    (steps, found)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

#[test]
fn the_model_answers_as_uaa_4_30_0_does() {
    let foundation = foundation(UaaVersion::V4_30_0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let seeds: Vec<u64> = match number("UAAPPLY_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("UAAPPLY_SEQUENCES").unwrap_or(SEQUENCES)).collect(),
    };
    let zone = async |first: u64| {
        let mut real = Real::in_new_zone(foundation).await;
        let mut found = BTreeMap::new();
        for seed in seeds.iter().filter(|seed| **seed % ZONES == first) {
            let steps = sequence(*seed, STEPS);
            if let Some(difference) = compare(&mut real, &steps).await {
                let (steps, difference) = shrunk(&mut real, steps, difference).await;
                // One of each sort tells enough.
                let last = difference.told.last().cloned().unwrap_or_default();
                let sort = last.splitn(3, '/').take(2).collect::<String>();
                found
                    .entry((sort, difference.real.status, difference.model.status))
                    .or_insert((*seed, steps, difference));
            }
        }
        found.into_values()
    };
    let found = runtime.block_on(futures_util::future::join_all((0..ZONES).map(zone)));
    let shown: Vec<String> = found
        .into_iter()
        .flatten()
        .map(|(seed, steps, Difference { at, real, model, told })| {
            let last =
                steps.get(at).map_or_else(|| after_all()[at - steps.len()].to_string(), Step::to_string);
            let pretty = |said: &Said| serde_json::to_string_pretty(&said.body).unwrap_or_default();
            format!(
                "{}\nthey differ at: {last}\nUAA:   {} {}\nmodel: {} {}\n\
                 again: UAAPPLY_SEED={seed} cargo test --test live the_model_answers\n",
                told.join("\n"),
                real.status,
                pretty(&real),
                model.status,
                pretty(&model),
            )
        })
        .collect();
    assert!(shown.is_empty(), "{}", shown.join("\n"));
}
