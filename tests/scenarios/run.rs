//! One run of uaapply, in this process: what its commands do, without a terminal.

use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::watch;
use uaapply::apply::{Interrupt, Progress, apply};
use uaapply::error::Error;
use uaapply::manifest::Loaded;
use uaapply::model::ClientId;
use uaapply::observed::Observed;
use uaapply::plan::policy::{Allow, Policy};
use uaapply::plan::{self, Change, Plan};
use uaapply::render;
use uaapply::report::{Outcome, Report};
use uaapply::uaa::{self, Connection, Login, ReadBy, Reader, Writer};

use crate::server::SECRET;

/// How a run ended.
#[derive(Debug)]
pub(crate) enum Ran {
    /// It wrote, or had nothing to write, and looked again.
    Reported(Box<Report>),
    /// It could not read, or not log in.
    Failed(Error),
    /// No plan can be made of this.
    Objected,
    /// A rail refuses that nothing allows.
    Refused,
}

struct Quiet;

impl Progress for Quiet {
    fn started(&self, _: &Change, _: &[&Change]) -> Result<(), String> {
        Ok(())
    }

    fn finished(&self, _: &Change, _: Outcome, _: Option<&str>) -> Result<(), String> {
        Ok(())
    }
}

/// How runs of a scenario go about it.
#[derive(Clone, Copy)]
pub(crate) struct Ways {
    pub(crate) concurrency: usize,
    pub(crate) read_by: ReadBy,
}

/// Plans with every rail's key allowed that there is one for, applies, looks again.
pub(crate) async fn run(url: &str, loaded: &Loaded, ways: Ways, texts: &mut Vec<String>) -> Ran {
    match tried(url, loaded, ways, texts).await {
        Ok(ran) => ran,
        Err(error) => {
            texts.push(format!("{} {:?} {:?}", error.message, error.causes, error.hints));
            Ran::Failed(error)
        }
    }
}

async fn log_in(url: &str, loaded: &Loaded, ways: Ways) -> Result<(Reader, Writer), Error> {
    let of_clients = loaded.secrets.client_secrets.values();
    let mask = loaded.secrets.passwords.values().chain(of_clients).chain(&loaded.secrets.others);
    let connection = Connection {
        target: url.parse().expect("the server's own address"),
        client_id: ClientId::new("admin"),
        login: Login::Secret(SecretString::from(SECRET)),
        ca_cert: None,
        skip_ssl_validation: false,
        allow_http: false,
        zone: None,
        timeout: Duration::from_secs(20),
        concurrency: ways.concurrency,
        read_by: ways.read_by,
        mask: mask.cloned().collect(),
    };
    let server = uaa::identify(&connection).await?;
    uaa::log_in(connection, server).await
}

async fn tried(url: &str, loaded: &Loaded, ways: Ways, texts: &mut Vec<String>) -> Result<Ran, Error> {
    let (reader, writer) = log_in(url, loaded, ways).await?;
    let scope = plan::scope(&loaded.desired, &Policy::default());
    let observed = reader.observe(&scope).await?;
    let mut allow = taking_over(loaded);
    let plan = match planned(loaded, &observed, &mut allow) {
        Ok(plan) => plan,
        Err(ran) => return Ok(ran),
    };
    texts.push(render::text::plan(&plan));
    let settle = plan::to_settle(&plan, &loaded.desired);
    let mut report = Report::of(&plan);
    if plan.is_empty() && settle.is_empty() {
        report.converged = Some(true);
        return Ok(Ran::Reported(Box::new(report)));
    }
    let (_say, heard) = watch::channel(Interrupt::None);
    let concurrency = ways.concurrency;
    report = apply(&plan, &settle, &observed, &loaded.secrets, &writer, concurrency, &Quiet, heard).await;
    match left(&reader, loaded, &allow).await {
        Ok(Some(left)) => {
            report.converged = Some(left.is_empty());
            report.remaining = left.changes.into_iter().map(|change| change.key).collect();
        }
        Ok(None) => {}
        Err(error) => texts.push(format!("{} {:?} {:?}", error.message, error.causes, error.hints)),
    }
    texts.push(serde_json::to_string(&report).expect("a report is JSON"));
    texts.push(render::report::text(&report));
    Ok(Ran::Reported(Box::new(report)))
}

/// The keys without which secrets of privileged clients are left alone, which no finding says.
fn taking_over(loaded: &Loaded) -> Allow {
    loaded.secrets.client_secrets.keys().map(|id| format!("takeover:client/{id}")).collect()
}

/// Makes the plan, and allows whatever it takes.
fn planned(loaded: &Loaded, observed: &Observed, allow: &mut Allow) -> Result<Plan, Ran> {
    loop {
        let plan = plan::make(&loaded.desired, observed, &Policy::default(), allow);
        let plan = plan.map_err(|_| Ran::Objected)?;
        let keys: Option<Vec<String>> = plan.refusals().map(|finding| finding.key.clone()).collect();
        match keys {
            None => return Err(Ran::Refused),
            Some(keys) if keys.is_empty() => return Ok(plan),
            Some(keys) => allow.extend(keys),
        }
    }
}

/// The keys that a run needs now.
pub(crate) async fn keys(url: &str, loaded: &Loaded, ways: Ways) -> Result<Allow, Error> {
    let (reader, _) = log_in(url, loaded, ways).await?;
    let observed = reader.observe(&plan::scope(&loaded.desired, &Policy::default())).await?;
    let mut allow = taking_over(loaded);
    // Without a plan there is nothing to allow.
    let _ = planned(loaded, &observed, &mut allow);
    Ok(allow)
}

/// What is left to do; nothing where no plan can be made.
async fn left(reader: &Reader, loaded: &Loaded, allow: &Allow) -> Result<Option<Plan>, Error> {
    let observed = reader.observe(&plan::scope(&loaded.desired, &Policy::default())).await?;
    Ok(plan::make(&loaded.desired, &observed, &Policy::default(), allow).ok())
}
