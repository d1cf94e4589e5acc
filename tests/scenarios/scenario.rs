//! One scenario: a run without trouble shows where it leads; then the same with trouble, and once more without.

use std::sync::{Arc, Mutex, PoisonError};

use fastrand::Rng;
use tokio::sync::Notify;
use uaapply::manifest::Loaded;
use uaapply::report::{Applied, Outcome, Report};
use uaapply::uaa::ReadBy;
use uaapply_lab::model::{Server, State};

use crate::facts::{Bounds, Facts, Names, difference};
use crate::honest::lies;
use crate::manifest::{Manifest, manifest};
use crate::run::{Ran, Ways, run};
use crate::server::{CANARY, server};
use crate::trouble::{Eye, Recorder, Shared, Trouble, lock};

/// What a scenario came to.
pub(crate) enum Ended {
    /// The run with trouble converged, after so many requests in all.
    Converged(usize),
    /// It stopped, or was killed; the next run converged.
    Mended(usize),
    /// Somebody else has made the manifest impossible.
    Blocked(usize),
    /// No plan, or one that nothing allows.
    Refused,
    /// Something is wrong.
    Wrong(String),
}

impl Ended {
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Converged(_) => "converged",
            Self::Mended(_) => "the next run converged",
            Self::Blocked(_) => "blocked by others",
            Self::Refused => "refused",
            Self::Wrong(_) => "WRONG",
        }
    }

    pub(crate) fn requests(&self) -> usize {
        match self {
            Self::Converged(requests) | Self::Mended(requests) | Self::Blocked(requests) => *requests,
            Self::Refused | Self::Wrong(_) => 0,
        }
    }
}

/// A run that converges, and one that finds nothing to do. Where the manifest prunes, the first can take from somebody
/// the privilege that kept the second from pruning them, group after group.
pub(crate) fn runs(loaded: &Loaded) -> usize {
    let prune = &loaded.desired.prune;
    let prunes = prune.users.is_some() || prune.groups.is_some() || prune.clients.is_some();
    if prunes { MOST_RUNS } else { 2 }
}

const MOST_RUNS: usize = 4;

fn is_idle(report: &Report) -> bool {
    report.converged == Some(true) && report.changes.is_empty()
}

fn told(report: &Report) -> String {
    let told = |applied: &Applied| {
        let change = &applied.change;
        format!("{:?} {} {:?} {:?}", change.action, change.key, applied.outcome, applied.error)
    };
    format!("left {:?}, {:#?}", report.remaining, report.changes.iter().map(told).collect::<Vec<_>>())
}

/// Where a run without trouble leads.
struct Golden {
    after: State,
    through: Vec<State>,
}

/// Runs without trouble until nothing is left to do; that the run after that does nothing, the scenario's end shows.
async fn golden(
    state: &State,
    loaded: &Loaded,
    ways: Ways,
    texts: &mut Vec<String>,
) -> Result<Option<Golden>, String> {
    let through = Arc::new(Mutex::new(Vec::new()));
    let server = Server::start(state.clone(), Recorder(Arc::clone(&through)))
        .await
        .map_err(|error| error.to_string())?;
    for round in 0..MOST_RUNS {
        let report = match run(&server.url(), loaded, ways, texts).await {
            Ran::Reported(report) => report,
            Ran::Failed(error) => {
                return Err(format!("without trouble: {} {:?}", error.message, error.causes));
            }
            Ran::Objected | Ran::Refused if round == 0 => return Ok(None),
            ran @ (Ran::Objected | Ran::Refused) => {
                return Err(format!("after a run without trouble: {ran:?}"));
            }
        };
        let good = |outcome: Outcome| matches!(outcome, Outcome::Done | Outcome::AlreadySo);
        if let Some(bad) = report.changes.iter().find(|applied| !good(applied.outcome)) {
            let change = &bad.change;
            return Err(format!("without trouble: {} {:?} {:?}", change.key, bad.outcome, bad.error));
        }
        let lies = lies(&report, state, &server.state(|state| state.clone()));
        if !lies.is_empty() && round == 0 {
            return Err(format!("without trouble the report is wrong: {lies:?}"));
        }
        if report.converged == Some(true) {
            break;
        }
        if round + 2 >= runs(loaded) {
            return Err(format!("without trouble, run {}: {}", round + 1, told(&report)));
        }
    }
    let after = server.state(|state| state.clone());
    let through = std::mem::take(&mut *through.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(Some(Golden { after, through }))
}

/// Accounts that were there before, by the names that they have afterwards.
fn names(before: &State, after: &State) -> Names {
    let named = before.users.iter().map(|user| {
        let now = after.user(&user.id).unwrap_or(user);
        (user.id.clone(), format!("{}/{}", now.origin, now.user_name.to_lowercase()))
    });
    named.collect()
}

/// A server, a manifest, and where a run without trouble leads.
pub(crate) struct Set {
    pub(crate) rng: Rng,
    pub(crate) before: State,
    pub(crate) manifest: Manifest,
    pub(crate) loaded: Loaded,
    pub(crate) ways: Ways,
    pub(crate) shared: Arc<Mutex<Shared>>,
}

/// Makes the scene of a seed; nothing where the manifest is refused. An error is a run without trouble that goes wrong.
pub(crate) async fn set(seed: u64, texts: &mut Vec<String>) -> Result<Option<Set>, String> {
    let mut rng = Rng::with_seed(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let before = server(&mut rng);
    let manifest = manifest(&mut rng);
    let Some(loaded) = manifest.load() else { return Ok(None) };
    let ways = Ways {
        // One at a time, a scenario is the same each time it is played; else the order of requests is the machine's.
        concurrency: [1, 1, 1, 8][rng.usize(0..4)],
        read_by: [ReadBy::Fewest, ReadBy::List, ReadBy::LookUp][rng.usize(0..3)],
    };
    let golden = match golden(&before, &loaded, ways, texts).await {
        Ok(Some(golden)) => golden,
        Ok(None) => return Ok(None),
        Err(why) => return Err(format!("{why}\n{}", manifest.text)),
    };
    let names = names(&before, &golden.after);
    let bounds = Bounds::new(Facts::of(&before, &names), Facts::of(&golden.after, &names));
    let on_the_way = golden.through.iter().flat_map(|state| bounds.broken(&Facts::of(state, &names)));
    let on_the_way: Vec<String> = on_the_way.collect();
    if !on_the_way.is_empty() {
        return Err(format!("on the way, without trouble: {on_the_way:#?}\n{}", manifest.text));
    }
    let shared = Shared::new(bounds, names);
    Ok(Some(Set { rng, before, manifest, loaded, ways, shared }))
}

/// Judges what everything came to: the server on the way, and all texts.
pub(crate) fn judged(set: &Set, ended: Result<Ended, String>, texts: &[String]) -> Ended {
    let shared = lock(&set.shared);
    let told = || {
        let at_once = set.ways.concurrency;
        format!("{at_once} at once\n{}\n{}", set.manifest.text, shared.log.join("\n"))
    };
    if !shared.broken.is_empty() {
        return Ended::Wrong(format!(
            "{}\n{}",
            shared.broken[..shared.broken.len().min(8)].join("\n"),
            told()
        ));
    }
    if let Some(text) = texts.iter().find(|text| text.contains(CANARY)) {
        return Ended::Wrong(format!("a secret is told:\n{text}\n{}", told()));
    }
    match ended {
        Ok(ended) => ended,
        Err(why) => Ended::Wrong(format!("{why}\n{}", told())),
    }
}

/// Plays the scenario of a seed.
pub(crate) async fn scenario(seed: u64, trouble: Trouble) -> Ended {
    let mut texts = Vec::new();
    let set = match set(seed, &mut texts).await {
        Ok(Some(set)) => set,
        Ok(None) => return Ended::Refused,
        Err(why) => return Ended::Wrong(why),
    };
    let ended = troubled(&set, trouble, &mut texts).await;
    judged(&set, ended, &texts)
}

/// The run with trouble, and the next.
async fn troubled(set: &Set, trouble: Trouble, texts: &mut Vec<String>) -> Result<Ended, String> {
    let Set { rng, before, loaded, ways, shared, .. } = set;
    let ways = *ways;
    let kill = Arc::new(Notify::new());
    let eye = Eye::new(rng.clone(), Some(trouble), shared, &kill);
    let server = Server::start(before.clone(), eye).await.map_err(|error| error.to_string())?;
    let url = server.url();
    let mut converged = false;
    if trouble == Trouble::Twice {
        let mut others = Vec::new();
        let (one, other) = tokio::join!(run(&url, loaded, ways, texts), run(&url, loaded, ways, &mut others));
        texts.append(&mut others);
        for ran in [one, other] {
            if let Ran::Failed(error) = ran {
                return Err(format!("two at once: {} {:?}", error.message, error.causes));
            }
        }
    } else {
        let ran = tokio::select! {
            biased;
            () = kill.notified() => None,
            ran = run(&url, loaded, ways, texts) => Some(ran),
        };
        if let Some(Ran::Reported(report)) = ran {
            let now = server.state(|state| state.clone());
            let touched = lock(shared).bounds.is_touched();
            let lies = if touched { Vec::new() } else { lies(&report, before, &now) };
            if !lies.is_empty() {
                return Err(format!("the report is wrong: {lies:#?}"));
            }
            converged = report.converged == Some(true);
            let wanted = lock(shared).bounds.after.clone();
            if converged && !touched {
                let differs = difference(&Facts::of(&now, &lock(shared).names), &wanted);
                if !differs.is_empty() {
                    return Err(format!("it says that it converged: {differs:#?}"));
                }
            }
        }
    }
    lock(shared).log.push("---- the next run".to_owned());
    server.state(|state| state.limited = false);
    server.watch(Eye::new(rng.clone(), None, shared, &kill));
    for round in 0..MOST_RUNS {
        let touched = lock(shared).bounds.is_touched();
        let report = match run(&url, loaded, ways, texts).await {
            Ran::Reported(report) => report,
            Ran::Failed(error) => return Err(format!("the next run: {} {:?}", error.message, error.causes)),
            Ran::Objected | Ran::Refused if touched => return Ok(Ended::Blocked(lock(shared).requests)),
            ran @ (Ran::Objected | Ran::Refused) => return Err(format!("the next run: {ran:?}")),
        };
        if is_idle(&report) {
            break;
        }
        let last = round + 1 >= runs(loaded);
        if last || (runs(loaded) == 2 && report.converged != Some(true)) {
            return Err(format!("the next run does not converge: {}", told(&report)));
        }
    }
    let shared = lock(shared);
    if !shared.bounds.is_touched() {
        let now = server.state(|state| Facts::of(state, &shared.names));
        let differs = difference(&now, &shared.bounds.after);
        if !differs.is_empty() {
            return Err(format!("it ends elsewhere: {differs:#?}"));
        }
    }
    Ok(if converged { Ended::Converged(shared.requests) } else { Ended::Mended(shared.requests) })
}
