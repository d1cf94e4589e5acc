//! `uaapply apply PLAN`: judges a saved plan by what the server has now, and carries out what is left of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use secrecy::{ExposeSecret, SecretString};

use super::apply::{FRESH, Interrupted, must_have_authority, question, refuse, show, told};
use super::connection::{check, connection};
use super::console::Console;
use super::record::Record;
use super::report_file::{self, ReportFile};
use super::{Stop, look, plan_file};
use crate::apply::{self, Outcomes, apply};
use crate::cli::{ApplyArgs, PlanFormat};
use crate::desired::Secrets;
use crate::error::{Error, Exit};
use crate::manifest;
use crate::observed::{Observed, Server};
use crate::plan::policy::Policy;
use crate::plan::saved::{Judged, Saved, judge_only};
use crate::plan::{self, FieldValue};
use crate::render;
use crate::report::{Applied, Outcome, Report};
use crate::uaa::{self, Reader};
use crate::visible::visible;

/// Runs the command.
pub(super) async fn run(args: &ApplyArgs, path: &Path, console: &Console) -> Result<Exit, Stop> {
    check(&args.connection, &args.manifest)?;
    args.report.as_deref().map(report_file::check).transpose()?;
    let rules = look::rules(&args.rules, console)?.only(&args.only);
    let mut saved = plan_file::read(path)?;
    must_be_expected(&saved, args.expect_plan.as_deref())?;
    let unmatched = rules.only.knowing(saved.manifest()).unmatched(saved.manifest(), &saved.plan.changes);
    look::must_match(&unmatched, "the saved plan")?;
    let secrets = secrets(&mut saved, args, console)?;
    let connection = connection(&args.connection, &secrets, console).await?;
    let server = uaa::identify(&connection).await?;
    // Before the secret is sent there.
    must_be_there(&saved.plan.target, &server, false)?;
    if let Some(refused) = look::refused(saved.manifest(), &server) {
        show(&refused, args.format, console)?;
        return refuse(&refused, args, console);
    }
    let (concurrency, client) = (connection.concurrency, connection.client_id.clone());
    let (reader, writer) = uaa::log_in(connection, server).await?;

    let (observed, judged) = agree(args, &rules, &saved, &secrets, &reader, client.as_str(), console).await?;
    let file = args.report.as_deref().map(ReportFile::create).transpose()?;
    let settle = plan::to_settle(&judged.plan, saved.manifest());
    let mut report = whole(&saved, &judged, Report::of(&judged.plan));
    if judged.plan.is_empty() && settle.is_empty() {
        report.converged = Some(true);
    } else {
        let mut interrupted = Interrupted::listen(console.quiet)?;
        let made =
            |outcomes: &Outcomes| whole(&saved, &judged, apply::report(&judged.plan, &settle, outcomes));
        let total = judged.plan.changes.len() + settle.len();
        let record = Record::begin(total, file.as_ref(), &made, console)?;
        let heard = interrupted.heard();
        let making = apply(&judged.plan, &settle, &observed, &secrets, &writer, concurrency, &record, heard);
        report = whole(&saved, &judged, record.during(making).await);
        drop(record);
        tokio::select! {
            biased;
            () = interrupted.happened() => {}
            () = look_again(&mut report, &rules, &saved, &secrets, &reader, console) => {}
        }
    }
    tracing::info!("{} requests", reader.requests());
    Ok(told(&report, args, file, console))
}

/// An approval is one of a certain plan.
fn must_be_expected(saved: &Saved, expected: Option<&str>) -> Result<(), Error> {
    let digest = &saved.plan.plan_digest;
    match expected {
        Some(expected) if expected != digest && format!("sha256:{expected}") != *digest => {
            Err(Error::new("this is another plan than --expect-plan names; nothing was written")
                .cause(format!("it is {digest}")))
        }
        Some(_) | None => Ok(()),
    }
}

/// A plan is for one server and zone. The version of UAA may be another by now.
fn must_be_there(planned: &Server, server: &Server, zone: bool) -> Result<(), Error> {
    let mut compared =
        vec![("address", &planned.url, &server.url), ("issuer", &planned.issuer, &server.issuer)];
    if zone {
        compared.push(("zone", &planned.zone, &server.zone));
    }
    let mut error = Error::new("the saved plan is for another target; nothing was written");
    for (what, planned, here) in compared.into_iter().filter(|(_, planned, here)| planned != here) {
        error = error.cause(format!("its {what} is {}, and this one is {}", visible(planned), visible(here)));
    }
    if error.causes.is_empty() { Ok(()) } else { Err(error) }
}

/// Finds the values of the variables that the plan names.
fn secrets(saved: &mut Saved, args: &ApplyArgs, console: &Console) -> Result<Secrets, Stop> {
    let values =
        manifest::values(&saved.variables(), &look::sources(&args.manifest)?).map_err(|problems| {
            console.say(&render::problems::problems(&problems.0));
            Stop::Exit(Exit::Error)
        })?;
    let value = |shown: &FieldValue| -> Option<SecretString> {
        match shown {
            FieldValue::Variable { variable } => values.asked.get(variable).cloned(),
            FieldValue::Text(text) if text.is_empty() => Some(String::new().into()),
            FieldValue::Text(_)
            | FieldValue::None
            | FieldValue::Flag(_)
            | FieldValue::Number(_)
            | FieldValue::List(_)
            | FieldValue::Json { .. } => None,
        }
    };
    let of_clients = |name: &str| -> BTreeMap<_, SecretString> {
        let found = saved.client_secrets(name).into_iter();
        found.filter_map(|(client, shown)| Some((client, value(shown)?))).collect()
    };
    let passwords = saved.passwords().into_iter();
    let secrets = Secrets {
        passwords: passwords.filter_map(|(user, shown)| Some((user, value(shown)?))).collect(),
        client_secrets: of_clients("client_secret"),
        token_salts: of_clients("token_salt"),
        others: values.all,
    };
    let salts = secrets.token_salts.iter();
    saved
        .with_salts(&salts.map(|(client, salt)| (client.clone(), salt.expose_secret().to_owned())).collect());
    Ok(secrets)
}

/// Reads the server for the judgement.
async fn observe(
    reader: &Reader,
    saved: &Saved,
    secrets: &Secrets,
    policy: &Policy,
) -> Result<Observed, Error> {
    let mut scope = plan::scope(saved.manifest(), policy);
    let mut observed = reader.observe(&scope).await?;
    if saved.misses_a_doomed_user(&observed) && !scope.all_users {
        scope.all_users = true;
        observed = reader.observe(&scope).await?;
    }
    let tried = saved.sets_secrets_of();
    if !tried.is_empty() {
        let secrets = secrets.client_secrets.iter().filter(|(client, _)| tried.contains(*client));
        look::probe(reader, &mut observed, secrets).await?;
    }
    must_be_there(&saved.plan.target, &observed.server, true)?;
    Ok(observed)
}

fn judged(saved: &Saved, observed: &Observed, rules: &look::Rules) -> Result<Judged, Error> {
    judge_only(saved, observed, &rules.policy, &rules.allow, &rules.only).map_err(|objections| {
        let mut error = stale();
        for objection in objections {
            error = error.cause(format!("{}: {}", objection.because, objection.message));
        }
        error
    })
}

fn stale() -> Error {
    Error::new("the saved plan is stale: the server changed since; nothing was written")
        .hint("plan again, and have the new plan reviewed: uaapply plan -f PATH --out FILE")
}

/// Judges the plan and gets everybody's consent: the rails', the token's, the user's.
async fn agree(
    args: &ApplyArgs,
    rules: &look::Rules,
    saved: &Saved,
    secrets: &Secrets,
    reader: &Reader,
    client: &str,
    console: &Console,
) -> Result<(Observed, Judged), Stop> {
    let mut shown: Option<Judged> = None;
    loop {
        let begun = Instant::now();
        let observed = observe(reader, saved, secrets, &rules.policy).await?;
        let judged = judged(saved, &observed, rules).map_err(|error| {
            console.error(&error);
            Stop::Exit(Exit::Stale)
        })?;
        if !judged.drift.is_empty() {
            return Err(Stop::Exit(drifted(saved, &judged, args, console)?));
        }
        match &shown {
            None => look::warn_of_unused_allows(&judged.plan, &rules.allow, console),
            Some(shown)
                if shown.plan.changes == judged.plan.changes
                    && shown.plan.findings == judged.plan.findings =>
            {
                return Ok((observed, judged));
            }
            Some(_) => {
                return Err(Error::new("the server changed meanwhile; nothing was written")
                    .hint("run the same command again")
                    .into());
            }
        }
        show(&judged.plan, args.format, console)?;
        if !judged.already.is_empty() {
            let already = render::count(judged.already.len(), "change");
            console.note(&format!("{already} of the saved plan made already."));
        }
        if judged.plan.refusals().next().is_some() {
            return Err(Stop::Exit(refuse(&judged.plan, args, console)?));
        }
        let settle = plan::to_settle(&judged.plan, saved.manifest()).len();
        if judged.plan.is_empty() && settle == 0 {
            return Ok((observed, judged));
        }
        must_have_authority(&judged.plan, &observed, client)?;
        if args.yes && begun.elapsed() < FRESH {
            return Ok((observed, judged));
        }
        if !args.yes && !Console::can_ask() {
            return Err(Error::new(format!(
                "nobody is at a terminal to answer \"{}\"; nothing was written",
                question(&judged.plan, settle)
            ))
            .hint("to answer yes beforehand, add --yes to the command")
            .into());
        }
        if !args.yes && !console.ask(&question(&judged.plan, settle)) {
            console.note("Nothing was written.");
            return Err(Stop::Exit(Exit::Error));
        }
        shown = Some(judged);
    }
}

/// Tells all that changed behind the plan's back.
fn drifted(saved: &Saved, judged: &Judged, args: &ApplyArgs, console: &Console) -> Result<Exit, Stop> {
    let mut report = Report::of(&saved.plan);
    report.findings = Vec::new();
    let mut error = stale();
    for drift in &judged.drift {
        error = error.cause(drift.message.clone());
        for &id in &drift.changes {
            let applied = &mut report.changes[id as usize];
            (applied.outcome, applied.error) = (Outcome::Drifted, Some(drift.message.clone()));
        }
    }
    console.error(&error);
    if let Some(path) = &args.report {
        ReportFile::create(path)?.write(&report)?;
    }
    match args.format {
        PlanFormat::Text => {}
        PlanFormat::Markdown => drop(console.out(&render::markdown::report(&report, args.max_length))?),
        PlanFormat::Json => drop(console.json(&report)?),
    }
    Ok(Exit::Stale)
}

/// The report of the whole saved plan, of which `made` has what was left. Numbers are those of the saved plan.
fn whole(saved: &Saved, judged: &Judged, made: Report) -> Report {
    let mut report = Report::of(&saved.plan);
    for applied in &mut report.changes {
        (applied.change.risks, applied.change.notes) = (Vec::new(), Vec::new());
        if judged.already.contains(&applied.change.id) {
            applied.outcome = Outcome::AlreadySo;
        }
    }
    let number = |id: u32| judged.left.get(id as usize).copied();
    let mut next = (0..).zip(&saved.plan.changes).map(|(id, _)| id + 1).last().unwrap_or_default();
    for Applied { mut change, outcome, error } in made.changes {
        match number(change.id) {
            Some(id) => {
                let applied = &mut report.changes[id as usize];
                (applied.change.risks, applied.change.notes) = (change.risks, change.notes);
                (applied.outcome, applied.error) = (outcome, error);
            }
            // A secret that was settled.
            None => {
                change.id = next;
                next += 1;
                report.changes.push(Applied { change, outcome, error });
            }
        }
    }
    report.changes.retain(|applied| {
        judged.chosen.contains(&applied.change.id) || applied.change.id as usize >= saved.plan.changes.len()
    });
    (report.only, report.findings) = (made.only, made.findings);
    for finding in &mut report.findings {
        finding.changes = finding.changes.iter().filter_map(|&id| number(id)).collect();
    }
    report
}

/// Judges once more: everything of the plan must be so.
async fn look_again(
    report: &mut Report,
    rules: &look::Rules,
    saved: &Saved,
    secrets: &Secrets,
    reader: &Reader,
    console: &Console,
) {
    let judged = match observe(reader, saved, secrets, &rules.policy).await {
        Ok(observed) => judged(saved, &observed, rules),
        Err(error) => Err(error),
    };
    match judged {
        Ok(judged) => {
            report.converged = Some(judged.plan.is_empty() && judged.drift.is_empty());
            let drifted = judged.drift.iter().flat_map(|drift| &drift.changes);
            let drifted = drifted.map(|&id| saved.plan.changes[id as usize].key.clone());
            report.remaining =
                judged.plan.changes.iter().map(|change| change.key.clone()).chain(drifted).collect();
            report.remaining.sort();
            report.remaining.dedup();
            for drift in &judged.drift {
                console.warn(&drift.message);
            }
        }
        Err(error) => {
            console.error(&Error { message: format!("the second look failed: {}", error.message), ..error });
        }
    }
}
