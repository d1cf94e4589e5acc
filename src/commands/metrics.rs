//! `plan --metrics-file`: a text file for Prometheus' node exporter, replaced in one step.
//!
//! A run that fails knows nothing of changes, so it says none: alerts watch `uaapply_plan_success`, and the time of the
//! last success, which it takes over from the file that was there.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::out_file;
use crate::error::Error;
use crate::plan::{KeptWhy, Kind, Plan, Rail};
use crate::visible::visible;

const OPTION: &str = "--metrics-file";
const LAST_SUCCESS: &str = "uaapply_plan_last_success_timestamp_seconds";
/// No file of ours is longer.
const LONGEST: u64 = 1 << 20;

/// A run that is being measured.
pub(super) struct Metrics<'a> {
    path: &'a Path,
    begun: Instant,
}

impl<'a> Metrics<'a> {
    /// Begins to measure.
    pub(super) fn begin(path: &'a Path) -> Result<Self, Error> {
        out_file::check_replaceable(path, OPTION)?;
        Ok(Self { path, begun: Instant::now() })
    }

    /// Writes the file: with the plan, or without one where the run failed. `target` is what the run was told to reach.
    pub(super) fn write(self, plan: Option<&Plan>, target: Option<&str>) -> Result<(), Error> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let before = earlier(self.path);
        out_file::replace(self.path, &text(plan, target, self.begun.elapsed(), now, before), OPTION)
    }
}

/// The labels of a run, and when the last one succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Earlier {
    labels: String,
    success: u64,
}

fn earlier(path: &Path) -> Option<Earlier> {
    if path.metadata().ok()?.len() > LONGEST {
        return None;
    }
    parse(&std::fs::read_to_string(path).ok()?)
}

fn parse(text: &str) -> Option<Earlier> {
    let line = text.lines().find_map(|line| line.strip_prefix(LAST_SUCCESS)?.strip_prefix('{'))?;
    let (labels, value) = line.rsplit_once("} ")?;
    Some(Earlier { labels: labels.to_owned(), success: value.parse().ok()? })
}

fn text(
    plan: Option<&Plan>,
    target: Option<&str>,
    took: Duration,
    now: Duration,
    before: Option<Earlier>,
) -> String {
    let labels = match (plan, &before) {
        (Some(plan), _) => labels(&plan.target.url, &plan.target.zone),
        (None, Some(before)) => before.labels.clone(),
        (None, None) => labels(target.unwrap_or_default(), ""),
    };
    let mut out = String::new();
    let mut metric = |name: &str, help: &str, values: &[(String, String)]| {
        if !values.is_empty() {
            let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge");
        }
        for (more, value) in values {
            let _ = writeln!(out, "{name}{{{labels}{more}}} {value}");
        }
    };
    let one = |value: String| [(String::new(), value)];
    let flag = |flag: bool| u8::from(flag).to_string();
    metric("uaapply_plan_success", "Whether the last run could make a plan.", &one(flag(plan.is_some())));
    metric("uaapply_plan_timestamp_seconds", "When the last run ended.", &one(now.as_secs().to_string()));
    let success = if plan.is_some() { Some(now.as_secs()) } else { before.map(|before| before.success) };
    if let Some(success) = success {
        metric(LAST_SUCCESS, "When a run last could make a plan.", &one(success.to_string()));
    }
    metric(
        "uaapply_plan_duration_seconds",
        "How long the last run took.",
        &one(format!("{:.3}", took.as_secs_f64())),
    );
    let Some(plan) = plan else { return out };
    let mut kinds: BTreeMap<&str, usize> = KINDS.into_iter().map(|kind| (kind_label(kind), 0)).collect();
    for change in &plan.changes {
        *kinds.entry(kind_label(change.kind)).or_default() += 1;
    }
    let kinds: Vec<_> =
        kinds.into_iter().map(|(kind, number)| (format!(",kind=\"{kind}\""), number.to_string())).collect();
    metric("uaapply_pending_changes", "Changes that the plan holds, by kind.", &kinds);
    let mut rails = BTreeMap::<(Rail, bool), usize>::new();
    for finding in &plan.findings {
        *rails.entry((finding.rail, finding.allowed)).or_default() += 1;
    }
    let rails: Vec<_> = rails
        .into_iter()
        .map(|((rail, allowed), number)| {
            let rail = serde_json::to_value(rail).unwrap_or_default();
            let rail = rail.as_str().unwrap_or_default().to_owned();
            (format!(",rail=\"{rail}\",allowed=\"{allowed}\""), number.to_string())
        })
        .collect();
    metric("uaapply_findings", "Findings of the safety rules, by rail.", &rails);
    metric(
        "uaapply_refused",
        "Whether a safety rule refuses the plan.",
        &one(flag(plan.refusals().next().is_some())),
    );
    let unaccounted = plan.kept.iter().filter(|kept| kept.why == KeptWhy::UnaccountedAccess);
    metric(
        "uaapply_unaccounted_access",
        "Holders of access that the manifest does not account for.",
        &one(unaccounted.map(|kept| kept.items.len()).sum::<usize>().to_string()),
    );
    out
}

fn labels(target: &str, zone: &str) -> String {
    let label = |text: &str| visible(text).replace('\\', "\\\\").replace('"', "\\\"");
    format!("target=\"{}\",zone=\"{}\"", label(target), label(zone))
}

const KINDS: [Kind; 5] = [Kind::User, Kind::Group, Kind::Member, Kind::ExternalGroup, Kind::Client];

fn kind_label(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "user",
        Kind::Group => "group",
        Kind::Member => "member",
        Kind::ExternalGroup => "external_group",
        Kind::Client => "client",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples::{day, hostile};

    const TOOK: Duration = Duration::from_millis(1_234);

    #[test]
    fn a_run_counts_what_it_found() {
        insta::assert_snapshot!(text(Some(&day()), None, TOOK, Duration::from_secs(1_700_000_000), None));
    }

    #[test]
    fn a_run_that_fails_keeps_the_time_of_the_last_success_and_counts_nothing() {
        let first = text(Some(&day()), None, TOOK, Duration::from_secs(1_700_000_000), None);
        let second = text(None, Some("ignored"), TOOK, Duration::from_secs(1_700_000_060), parse(&first));
        let third = text(None, None, TOOK, Duration::from_secs(1_700_000_120), parse(&second));
        insta::assert_snapshot!(third);
        // Without an earlier file there is nothing to keep.
        let alone = text(None, Some("https://a"), TOOK, Duration::from_secs(1), None);
        assert!(alone.contains("uaapply_plan_success{target=\"https://a\",zone=\"\"} 0\n"), "{alone}");
        assert_eq!(parse(&alone), None);
    }

    #[test]
    fn no_name_forges_a_metric() {
        let evil = "x\"} 1\nuaapply_plan_success 1\\";
        let shown = text(Some(&hostile(evil)), None, TOOK, TOOK, None);
        let harmless = text(Some(&hostile("x")), None, TOOK, TOOK, None);
        assert_eq!(shown.lines().count(), harmless.lines().count());
        assert_eq!(shown.lines().filter(|line| line.starts_with("uaapply_plan_success")).count(), 1);
        let again = parse(&shown).expect("a success");
        assert_eq!(again.success, 1);
        let url = "https://api.pks.example.com:8443";
        let zone = r#"zx\"} 1\\u{a}uaapply_plan_success 1\\"#;
        assert_eq!(again.labels, format!("target=\"{url}\",zone=\"{zone}\""));
    }
}
