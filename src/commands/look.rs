//! What plan and apply share: manifest in, server read, plan made.

use std::path::PathBuf;

use futures_util::future::try_join_all;
use secrecy::SecretString;

use super::Stop;
use super::console::Console;
use crate::cli::{ManifestArgs, PlanFormat, RulesArgs};
use crate::desired::Desired;
use crate::error::{Error, Exit};
use crate::manifest::{self, Loaded, Sources};
use crate::model::ClientId;
use crate::observed::{Observed, Server};
use crate::plan::only::{Only, Unmatched, Wanted};
use crate::plan::policy::{Allow, Policy};
use crate::plan::{self, Plan};
use crate::render;
use crate::render::annotations::{Level, Note};
use crate::uaa::Reader;
use crate::visible;

/// Wants at least one manifest: nothing is read by default, so that no folder decides what happens.
pub(super) fn must_have_files(args: &ManifestArgs) -> Result<(), Error> {
    if args.files.is_empty() {
        return Err(Error::new("no manifest")
            .hint("give one or more with -f PATH (a file, a directory, or - for standard input)"));
    }
    Ok(())
}

/// What plans are judged by.
#[derive(Default)]
pub(super) struct Rules {
    pub(super) policy: Policy,
    pub(super) allow: Allow,
    /// What is planned at all.
    pub(super) only: Only,
}

impl Rules {
    /// The same for what `--only` names.
    pub(super) fn only(self, wanted: &[Wanted]) -> Self {
        Self { only: Only::new(wanted), ..self }
    }
}

/// Reads the policy; says everything that is wrong with it.
pub(super) fn rules(args: &RulesArgs, console: &Console) -> Result<Rules, Stop> {
    let policy = match &args.policy {
        None => Policy::default(),
        Some(path) => manifest::load_policy(path).map_err(|problems| {
            console.say(&render::problems::problems(&problems.0));
            Stop::Exit(Exit::Error)
        })?,
    };
    Ok(Rules { policy, allow: args.allow.iter().cloned().collect(), only: Only::default() })
}

/// Reads the manifest; says everything that is wrong with it.
pub(super) fn load(args: &ManifestArgs, console: &Console) -> Result<Loaded, Stop> {
    read(args, false, console)
}

/// Reads the manifest as [`load`] does, to look at it only: secrets need no value. Says how many have none.
pub(super) fn load_to_look(args: &ManifestArgs, console: &Console) -> Result<Loaded, Stop> {
    let loaded = read(args, true, console)?;
    if !loaded.lacking.is_empty() {
        let names: Vec<&str> = loaded.lacking.iter().map(String::as_str).collect();
        let (have, need) = if loaded.lacking.len() == 1 { ("has", "it") } else { ("have", "them") };
        console.note(&format!(
            "{} {have} no value here; plan and apply need {need}: {}",
            render::count(loaded.lacking.len(), "secret variable"),
            names.join(", ")
        ));
    }
    Ok(loaded)
}

fn read(args: &ManifestArgs, secrets_may_lack: bool, console: &Console) -> Result<Loaded, Stop> {
    must_have_files(args)?;
    let sources = Sources { secrets_may_lack, ..sources(args)? };
    let loaded = manifest::load(&sources).map_err(|problems| {
        console.say(&render::problems::problems(&problems.0));
        console.annotate(problems.0.iter().map(|problem| Note::of_problem(problem, Level::Error)));
        Stop::Exit(Exit::Error)
    })?;
    console.say(&render::problems::warnings(&loaded.warnings));
    console.annotate(loaded.warnings.iter().map(|problem| Note::of_problem(problem, Level::Warning)));
    Ok(loaded)
}

/// Takes down where manifests and variables come from.
pub(super) fn sources(args: &ManifestArgs) -> Result<Sources, Error> {
    let prefixes: Vec<String> = args.vars_env.iter().filter(|prefix| !prefix.is_empty()).cloned().collect();
    let mut sources = Sources {
        paths: args.files.clone(),
        ops_files: args.ops_files.clone(),
        var_files: args.var_file.iter().map(|text| var_file(text)).collect::<Result<_, _>>()?,
        vars_files: args.vars_files.clone(),
        vars_env: prefixes.iter().flat_map(|prefix| environment(prefix)).collect(),
        vars_env_prefixes: prefixes,
        vars_store: args.vars_store.clone(),
        ..Sources::default()
    };
    for var in &args.vars {
        match var.split_once('=') {
            Some((name, value)) => sources.vars.push((name.to_owned(), value.to_owned())),
            None => sources.bare_vars.push(var.clone()),
        }
    }
    Ok(sources)
}

fn var_file(text: &str) -> Result<(String, PathBuf), Error> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => Ok((name.to_owned(), path.into())),
        // Not shown: what was meant may be a secret.
        _ => Err(Error::new("--var-file takes NAME=PATH").hint("write --var-file alana_password=alana.txt")),
    }
}

/// The environment's variables of one prefix. Values that are no text are left out: no manifest can name them.
fn environment(prefix: &str) -> Vec<(String, String, SecretString)> {
    let head = format!("{prefix}_");
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter_map(|(name, value)| {
            Some((prefix.to_owned(), name.strip_prefix(&head)?.to_owned(), value.into()))
        })
        .collect()
}

/// Returns the refusal of a server that the manifest is not for; asked before the secret is sent to it.
pub(super) fn refused(desired: &Desired, server: &Server) -> Option<Plan> {
    let findings = plan::check_pin(desired, server);
    (!findings.is_empty()).then(|| plan::refused(desired, server, findings))
}

/// Reads the server and makes the plan; says every entry that cannot come true.
pub(super) async fn look(
    reader: &Reader,
    loaded: &Loaded,
    rules: &Rules,
    probe: bool,
    console: &Console,
) -> Result<(Observed, Plan), Stop> {
    let observed = observe(reader, loaded, &rules.policy, probe).await?;
    let plan = plan(loaded, &observed, rules, console)?;
    Ok((observed, plan))
}

/// Makes the plan; says every entry that cannot come true.
pub(super) fn plan(
    loaded: &Loaded,
    observed: &Observed,
    rules: &Rules,
    console: &Console,
) -> Result<Plan, Stop> {
    let Rules { policy, allow, only } = rules;
    let (plan, unmatched) =
        plan::make_only(&loaded.desired, observed, policy, allow, only).map_err(|objections| {
            console.say(&render::problems::objections(&objections, loaded));
            console.annotate(objections.iter().map(Note::of_objection));
            Stop::Exit(Exit::Error)
        })?;
    must_match(&unmatched, "the manifest")?;
    Ok(plan)
}

/// A misspelt name would look like "nothing to do".
pub(super) fn must_match(unmatched: &[Unmatched], speaker: &str) -> Result<(), Error> {
    let Some(first) = unmatched.first() else { return Ok(()) };
    let mut error = Error::new(match unmatched.len() {
        1 => format!("--only names what {speaker} does not speak about, and the plan does not change"),
        many => format!(
            "--only names {many} things that {speaker} does not speak about, and the plan does not change"
        ),
    });
    for Unmatched { name, near } in unmatched {
        let near = near.as_ref().map(|near| format!("; did you mean {}?", visible::shell(near)));
        error = error.cause(format!("{}{}", visible::shell(name), near.unwrap_or_default()));
    }
    let kind = first.name.split('/').next().unwrap_or_default();
    Err(error.hint(format!("the plan without --only shows each {kind}'s name")))
}

/// Reads the server; with `probe` it also tries the secrets of clients that exist, but for our own.
pub(super) async fn observe(
    reader: &Reader,
    loaded: &Loaded,
    policy: &Policy,
    probe: bool,
) -> Result<Observed, Error> {
    let mut observed = reader.observe(&plan::scope(&loaded.desired, policy)).await?;
    if probe {
        self::probe(reader, &mut observed, loaded.secrets.client_secrets.iter()).await?;
    }
    Ok(observed)
}

/// Tries secrets of clients that exist, but for our own.
pub(super) async fn probe(
    reader: &Reader,
    observed: &mut Observed,
    secrets: impl Iterator<Item = (&ClientId, &SecretString)>,
) -> Result<(), Error> {
    let own = observed.me_here().client_id;
    let tried = secrets.filter(|(id, _)| observed.clients.contains_key(*id) && Some(*id) != own.as_ref());
    let tried = tried.map(async |(id, secret)| match reader.secret_works(id, secret).await {
        Ok(true) => Ok(None),
        Ok(false) => Ok(Some(id.clone())),
        Err(error) => Err(error),
    });
    observed.client_secrets_wrong = Some(try_join_all(tried).await?.into_iter().flatten().collect());
    Ok(())
}

/// Warns of an `--allow` that allows nothing: a misspelt key, or one that a script has kept too long.
pub(super) fn warn_of_unused_allows(plan: &Plan, allow: &Allow, console: &Console) {
    for key in plan::unused_allows(plan, allow) {
        let open = plan.refusals().filter_map(|finding| finding.key.as_deref());
        let near = manifest::nearest(&key, open);
        let near = match near {
            _ if key.contains(',') => "; one --allow takes one key: repeat it for several".to_owned(),
            Some(near) => format!("; did you mean {}?", visible::shell(near)),
            None => String::new(),
        };
        console
            .warn(&format!("--allow {} allows nothing: no finding has this key{near}", visible::shell(&key)));
    }
}

/// Shows a plan on standard output.
pub(super) fn show(plan: &Plan, format: PlanFormat, longest: u32, console: &Console) -> Result<Exit, Stop> {
    match format {
        PlanFormat::Text => console.out(&render::text::plan(plan)),
        PlanFormat::Markdown => console.out(&render::markdown::plan(plan, longest)),
        PlanFormat::Json => console.json(plan),
    }
}
