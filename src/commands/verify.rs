//! `uaapply verify`: logs in as somebody, and follows their token to the clusters.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::connection::{self, check};
use super::console::Console;
use super::secret;
use super::{Stop, look};
use crate::cli::{Format, VerifyArgs};
use crate::desired::{SecretSource, Secrets};
use crate::error::{Error, Exit};
use crate::manifest::{self, Loaded};
use crate::model::{ClientId, Origin, UserKey, Username};
use crate::observed::{ClientScope, Observed, ReadScope, Server};
use crate::plan;
use crate::render;
use crate::uaa::{self, Came, Connection, Credentials, Reader, Validity, Visitor};
use crate::verify::{Answers, Case, Expectation, Verified, Who, prove};

/// Runs the command.
pub(super) async fn run(args: &VerifyArgs, console: &Console) -> Result<Exit, Stop> {
    check(&args.connection, &args.manifest)?;
    check_alone(args)?;
    let loaded = match args.manifest.files.is_empty() {
        true => None,
        false => Some(look::load_to_look(&args.manifest, console)?),
    };
    let expectations = expectations(&args.expect)?;
    let all = everybody(args, &expectations, loaded.as_ref())?;
    if all.len() > 1 && (args.password_file.is_some() || args.password_stdin) {
        return Err(Error::new("one password is for one: here are several to be verified")
            .hint("run verify once for each, or let the manifest give the passwords (-f, --vars-env)")
            .into());
    }
    let expected = assign(&expectations, &all, loaded.as_ref())?;

    let none = Secrets::default();
    let secrets = loaded.as_ref().map_or(&none, |loaded| &loaded.secrets);
    let (connection, administrator) = connection::or_nobody(&args.connection, secrets, console).await?;
    let pks_api = pks_api(args.pks_api.as_deref(), &connection.target)?;
    let visitor = Visitor::new(&connection, &pks_api)?;
    let server = match uaa::identify(&connection).await {
        Ok(server) => server,
        Err(error) if visitor.pks_api_answers().await => {
            let hint = format!(
                "the PKS API answers at {}, so a load balancer or firewall may let through its port only",
                visitor.pks_api()
            );
            return Err(error.hint(hint).into());
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(loaded) = &loaded
        && let Some(refused) = look::refused(&loaded.desired, &server)
    {
        console.say(&render::text::plan(&refused));
        return Ok(Exit::Refused);
    }

    let through = ClientId::new(&*args.through);
    let mut run = Run { args, connection: &connection, server: &server, visitor: &visitor, burnt: false };
    let mut heard = Vec::new();
    for who in &all {
        let (credentials, by_manifest) = run.credentials(who, &through, loaded.as_ref())?;
        heard.push((who, by_manifest, run.ask(who, &credentials, administrator).await));
    }

    let mut insight = None;
    let case = |by_manifest, insight| Case {
        url: &server.url,
        pks_api: visitor.pks_api(),
        through: &through,
        by_manifest,
        by_passcode: args.passcode,
        desired: loaded.as_ref().map(|loaded| &loaded.desired),
        insight,
    };
    let all_proven = heard.iter().all(|(who, by_manifest, answers)| {
        prove(who, answers, &expected[*who], &case(*by_manifest, None)).proven
    });
    if administrator && !all_proven {
        match look_inside(&connection, &server, &all, &through).await {
            Ok(observed) => insight = Some(observed),
            Err(error) => {
                console.warn(&format!("the causes are told without looking inside: {}", error.message))
            }
        }
    }
    let proofs = heard
        .iter()
        .map(|(who, by_manifest, answers)| {
            prove(who, answers, &expected[*who], &case(*by_manifest, insight.as_ref()))
        })
        .collect();
    let verified = Verified {
        format: plan::FORMAT,
        tool: concat!("uaapply ", env!("CARGO_PKG_VERSION")).to_owned(),
        url: server.url.clone(),
        issuer: server.issuer.clone(),
        uaa_version: server.uaa_version.clone(),
        pks_api: visitor.pks_api().to_owned(),
        proofs,
    };
    match args.format {
        Format::Text => console.out(&render::proof::text(&verified))?,
        Format::Json => console.json(&verified)?,
    };
    Ok(if verified.proven() { Exit::Done } else { Exit::Error })
}

fn check_alone(args: &VerifyArgs) -> Result<(), Error> {
    if args.connection.zone.as_deref().is_some_and(|zone| !zone.is_empty() && zone != uaa::DEFAULT_ZONE) {
        return Err(Error::new(
            "users and clients of a zone log in at the zone's own address, not by --zone",
        )
        .hint(
            "give that address as --target, such as https://SUBDOMAIN.uaa.example.com, and leave --zone out",
        ));
    }
    if args.password_stdin
        && (args.connection.client_secret_stdin
            || args.manifest.files.iter().any(|path| path.as_os_str() == "-"))
    {
        return Err(Error::new("standard input cannot be the password and something else")
            .hint("give the password by --password-file"));
    }
    Ok(())
}

/// The PKS API beside this UAA.
fn pks_api(given: Option<&str>, target: &Url) -> Result<Url, Error> {
    if let Some(text) = given.map(str::trim).filter(|text| !text.is_empty()) {
        return connection::address(text, "the PKS API's address (--pks-api, UAAPPLY_PKS_API)");
    }
    let mut url = target.clone();
    url.set_path("");
    // The product puts both on one host.
    url.set_port(Some(9021)).map_err(|()| Error::new("--target has no port to put 9021 in its place"))?;
    Ok(url)
}

fn expectations(texts: &[String]) -> Result<Vec<Expectation>, Error> {
    let read = |text: &String| {
        Expectation::read(text).map_err(|unreadable| {
            Error::new(format!("--expect: {}", crate::visible::visible(&unreadable.0)))
                .hint("write 'alana: clusters>=1', 'cody: scope pks.clusters.admin, no cluster shop', or 'dana: denied'")
        })
    };
    Ok(texts.iter().map(read).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// Those named, and without any those of whom something is expected; each once.
fn everybody(
    args: &VerifyArgs,
    expectations: &[Expectation],
    loaded: Option<&Loaded>,
) -> Result<Vec<Who>, Error> {
    let named: Vec<&str> = match args.who.is_empty() {
        true => expectations.iter().map(|expectation| expectation.who.as_str()).collect(),
        false => args.who.iter().map(String::as_str).collect(),
    };
    if named.is_empty() {
        return Err(
            Error::new("verify whom?").hint("name users or clients: uaapply verify alana client/cluster-ci")
        );
    }
    let mut all = Vec::new();
    for name in named {
        let who = who(name, loaded)?;
        if !all.contains(&who) {
            all.push(who);
        }
    }
    Ok(all)
}

/// Reads `alana`, `user/ORIGIN/NAME` or `client/ID`.
fn who(text: &str, loaded: Option<&Loaded>) -> Result<Who, Error> {
    let plain = |part: &str| part.replace("%2F", "/").replace("%2f", "/").replace("%25", "%");
    let unreadable = || {
        Error::new(format!("{} is neither a user nor a client", crate::visible::shell(text)))
            .hint("write a username, user/ORIGIN/NAME or client/ID")
    };
    match text.split_once('/') {
        Some(("client", id)) if !id.is_empty() => Ok(Who::Client(ClientId::new(plain(id)))),
        Some(("user", rest)) => match rest.split_once('/') {
            Some((origin, name)) if !origin.is_empty() && !name.is_empty() => {
                Ok(Who::User(UserKey::new(Origin::new(plain(origin)), Username::new(plain(name)))))
            }
            None if !rest.is_empty() => Ok(Who::User(by_name(&plain(rest), loaded))),
            _ => Err(unreadable()),
        },
        None if !text.is_empty() => Ok(Who::User(by_name(text, loaded))),
        _ => Err(unreadable()),
    }
}

/// The manifest's user of this name, if it has one of it; else one of UAA's own.
fn by_name(name: &str, loaded: Option<&Loaded>) -> UserKey {
    let named = Username::new(name);
    let users = loaded.into_iter().flat_map(|loaded| loaded.desired.users.keys());
    let found: Vec<&UserKey> = users.filter(|user| user.username == named).collect();
    match found[..] {
        [one] => one.clone(),
        _ => UserKey::new(Origin::uaa(), named),
    }
}

/// Gives each what is expected of them.
fn assign<'e, 'w>(
    expectations: &'e [Expectation],
    all: &'w [Who],
    loaded: Option<&Loaded>,
) -> Result<BTreeMap<&'w Who, Vec<&'e Expectation>>, Error> {
    let mut assigned: BTreeMap<&Who, Vec<&Expectation>> = all.iter().map(|who| (who, Vec::new())).collect();
    for expectation in expectations {
        let wanted = who(&expectation.who, loaded)?;
        match assigned.get_mut(&wanted) {
            Some(list) => list.push(expectation),
            None => {
                let names: Vec<String> = all.iter().map(ToString::to_string).collect();
                let near = manifest::nearest(&wanted.to_string(), names.iter().map(String::as_str));
                let error = Error::new(format!(
                    "--expect speaks of {}, who is not verified here",
                    crate::visible::visible(&wanted.to_string())
                ));
                return Err(match near {
                    Some(near) => error.hint(format!("did you mean {}?", crate::visible::visible(near))),
                    None => error.hint("name them on the command line too"),
                });
            }
        }
    }
    Ok(assigned)
}

/// What the questions need.
struct Run<'a> {
    args: &'a VerifyArgs,
    connection: &'a Connection,
    server: &'a Server,
    visitor: &'a Visitor,
    /// A password was wrong: no other is tried, as five wrong ones lock an account.
    burnt: bool,
}

impl Run<'_> {
    /// How this one logs in, and whether by the manifest's own password.
    fn credentials(
        &self,
        who: &Who,
        through: &ClientId,
        loaded: Option<&Loaded>,
    ) -> Result<(Credentials, bool), Error> {
        let (secret, by_manifest) = self.secret(who, loaded)?;
        let credentials = match who {
            Who::Client(client) => Credentials::Client { client: client.clone(), secret },
            Who::User(_) if self.args.passcode => {
                Credentials::Passcode { through: through.clone(), passcode: secret }
            }
            Who::User(user) => Credentials::Password {
                through: through.clone(),
                username: user.username.as_str().to_owned(),
                password: secret,
            },
        };
        Ok((credentials, by_manifest))
    }

    fn secret(&self, who: &Who, loaded: Option<&Loaded>) -> Result<(SecretString, bool), Error> {
        if let Some(path) = &self.args.password_file {
            return Ok((secret::from_file(path, "--password-file")?, false));
        }
        if self.args.password_stdin {
            let name = "standard input (--password-stdin)";
            return Ok((secret::from_reader(std::io::stdin().lock(), name)?, false));
        }
        if !self.args.passcode
            && let Some(secret) = loaded.and_then(|loaded| of_manifest(who, loaded))
        {
            return Ok((secret, true));
        }
        let what = match who {
            Who::User(_) if self.args.passcode => {
                format!("One-time passcode of {} ({}/passcode)", who, self.server.url)
            }
            Who::User(_) => format!("Password of {who}"),
            Who::Client(_) => format!("Secret of {who}"),
        };
        Ok((secret::ask(&crate::visible::visible(&what), "--password-file or --password-stdin")?, false))
    }

    async fn ask(&mut self, who: &Who, credentials: &Credentials, administrator: bool) -> Answers {
        let is_user = matches!(who, Who::User(_));
        if is_user && self.burnt {
            return Answers { login: None, validity: None, clusters: None };
        }
        let login = self.visitor.log_in(credentials).await;
        let Came::Granted(granted) = &login else {
            // A lost answer may have been a wrong password, too.
            self.burnt |= is_user
                && match &login {
                    Came::Refused(refusal) => refusal.status == 401,
                    Came::Unreached(_) | Came::Granted(_) => true,
                };
            return Answers { login: Some(login), validity: None, clusters: None };
        };
        let audience = match credentials {
            Credentials::Password { through, .. } | Credentials::Passcode { through, .. } => through,
            Credentials::Client { client, .. } => client,
        };
        let check = self.visitor.check_signature(&self.server.issuer, audience.as_str(), granted);
        let (checked, clusters) = tokio::join!(check, self.visitor.clusters(granted));
        let validity = match (checked, &self.connection.login) {
            (Validity::Unknown(why), uaa::Login::Secret(secret)) if administrator => {
                match self.visitor.introspect(&self.connection.client_id, secret, granted).await {
                    Validity::Unknown(_) => Validity::Unknown(why),
                    known => known,
                }
            }
            (checked, _) => checked,
        };
        Answers { login: Some(login), validity: Some(validity), clusters: Some(clusters) }
    }
}

/// The value that the manifest's own password or secret has here.
fn of_manifest(who: &Who, loaded: &Loaded) -> Option<SecretString> {
    let source = match who {
        Who::User(user) => &loaded.desired.users.get(user)?.password.as_ref()?.value,
        Who::Client(client) => &loaded.desired.clients.get(client)?.secret.as_ref()?.value,
    };
    if let SecretSource::Variable(name) = source {
        let generated =
            loaded.generated.as_ref().is_some_and(|generated| generated.values.contains_key(name));
        if loaded.lacking.contains(name) || generated {
            return None;
        }
    }
    let secret = match who {
        Who::User(user) => loaded.secrets.passwords.get(user),
        Who::Client(client) => loaded.secrets.client_secrets.get(client),
    };
    secret.filter(|secret| !secret.expose_secret().is_empty()).cloned()
}

/// What an administrator sees of them: where the cause of a refusal is.
async fn look_inside(
    connection: &Connection,
    server: &Server,
    all: &[Who],
    through: &ClientId,
) -> Result<Observed, Error> {
    let reader = Reader::log_in(connection.clone(), server.clone()).await?;
    let mut scope = ReadScope {
        clients: ClientScope { named: BTreeSet::from([through.clone()]), ..ClientScope::default() },
        ..ReadScope::default()
    };
    for who in all {
        match who {
            Who::User(user) => drop(scope.users.insert(user.clone())),
            Who::Client(client) => drop(scope.clients.named.insert(client.clone())),
        }
    }
    let mut observed = reader.observe(&scope).await?;
    let empty = SecretString::from(String::new());
    look::probe(&reader, &mut observed, [(through, &empty)].into_iter()).await?;
    Ok(observed)
}
