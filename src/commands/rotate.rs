//! `uaapply rotate`: a client gets a new secret, and both work until the new one is proved.
//!
//! ```text
//! new secret ─▶ its place ─▶ ADD ─▶ does it log in? ─▶ wait ─▶ DELETE the old ─▶ does it still log in?
//! ```
//! Interrupted anywhere, the old secret works or the new one is in its place; the same secret given again goes on
//! from where it was.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use super::Stop;
use super::audit_log::{AuditLog, Writes, who};
use super::connection::{check_alone, connection};
use super::console::Console;
use super::new_secret::{Place, Source, get, place};
use crate::audit::{Act, AtOnce, Deed};
use crate::cli::RotateArgs;
use crate::desired::Secrets;
use crate::error::{Error, Exit};
use crate::model::{ClientId, KeyPart};
use crate::plan::{Expects, FieldChange, FieldValue, Kind, Object};
use crate::report::Outcome;
use crate::uaa::{
    self, Connection, DEFAULT_ZONE, Login, Need, Reader, SecretChange, WriteError, WriteErrorKind, Writer,
};
use crate::visible::visible;

/// Runs the command.
pub(super) async fn run(args: &RotateArgs, console: &Console) -> Result<Exit, Stop> {
    let audit = AuditLog::open(&args.audit, None)?;
    audit.close(rotate(args, &audit, console).await, console)
}

async fn rotate(args: &RotateArgs, audit: &AuditLog, console: &Console) -> Result<Exit, Stop> {
    check_alone(&args.connection, args.new_secret_stdin)?;
    if args.client.is_none() && !args.own {
        return Err(nobody().into());
    }
    let place = match source(args) {
        Source::Generated(_) => place(args.out_file.as_deref(), args.print, "secret")?,
        Source::File(_) | Source::Stdin | Source::Prompt => Place::Nowhere,
    };
    place.check()?;
    let asked = args.client.as_deref().unwrap_or("that this run logs in as");
    let new = get(&source(args), "--new-secret", &format!("New secret of client {asked}"))?;
    let secrets = Secrets { others: vec![new.clone()], ..Secrets::default() };
    let connection = connection(&args.connection, &secrets, console).await?;
    let client = client(args, &connection)?;
    let server = uaa::identify(&connection).await?;
    let (reader, writer) = uaa::log_in_for(connection.clone(), server, &[Need::ClientSecrets]).await?;
    let writes = audit.run(who(&connection), reader.server(), None)?;
    let rotation = Rotation { args, client, new, place, connection, reader, writer, writes, console };
    rotation.rotate().await
}

fn source(args: &RotateArgs) -> Source<'_> {
    match &args.new_secret_file {
        Some(path) => Source::File(path),
        None if args.new_secret_stdin => Source::Stdin,
        None if args.new_secret_prompt => Source::Prompt,
        None => Source::Generated(args.length),
    }
}

/// The client that is meant. The own one is another matter: who rotates it by mistake locks others out. Who that is
/// tells the login, not the command line: another program's may be another client's. In another zone a client of the
/// same name is another client.
fn client(args: &RotateArgs, connection: &Connection) -> Result<ClientId, Error> {
    let own = &connection.client_id;
    let elsewhere = connection.zone.as_deref().is_some_and(|zone| zone != DEFAULT_ZONE);
    let given = args.client.as_deref().map(ClientId::new);
    if !args.own {
        return match given {
            None => Err(nobody()),
            Some(client) if client == *own && !elsewhere => Err(Error::new(format!(
                "`{client}` is the client that this run is logged in as; whoever else uses its secret needs the new one"
            ))
            .hint("give --self if that is meant")),
            Some(client) => Ok(client),
        };
    }
    if elsewhere {
        return Err(Error::new("--self is a client of the default zone")
            .hint("leave --self out for a client of that zone, --zone for the own client"));
    }
    if let Some(client) = given.filter(|client| client != own) {
        return Err(Error::new(format!("--self is client `{own}`, not `{client}`")));
    }
    match connection.login {
        Login::Saved(_) => Err(Error::new("--self takes the client's secret, not another program's login")
            .hint("give the secret that it has now by UAA_CLIENT_SECRET or --client-secret-file")),
        Login::Secret(_) => Ok(own.clone()),
    }
}

fn nobody() -> Error {
    Error::new("no client: whose secret?").hint("uaapply rotate CLIENT, or --self")
}

struct Rotation<'a> {
    args: &'a RotateArgs,
    client: ClientId,
    new: SecretString,
    place: Place,
    connection: Connection,
    reader: Reader,
    writer: Writer,
    writes: Writes<'a>,
    console: &'a Console,
}

/// What came of adding the second secret.
enum Added {
    Done,
    /// UAA says that the number of secrets does not allow it.
    Count,
    Not(WriteError),
    /// Nobody knows.
    Maybe(WriteError),
}

impl Added {
    fn came_to(&self) -> (Outcome, Option<&str>) {
        match self {
            Self::Done => (Outcome::Done, None),
            Self::Count => (Outcome::Failed, Some("the number of its secrets does not allow it")),
            Self::Not(error) => (Outcome::Failed, Some(&error.message)),
            Self::Maybe(error) => (Outcome::Unknown, Some(&error.message)),
        }
    }
}

impl Rotation<'_> {
    async fn rotate(&self) -> Result<Exit, Stop> {
        let client = visible(self.client.as_str());
        let other = self.writer.other_client(&self.client).await.map_err(|error| {
            explained(
                error,
                format!("nobody knows whether there is a client `{client}`; nothing was changed"),
            )
        })?;
        if let Some(other) = other {
            return Err(Error::new(format!(
                "there is no client `{client}`; UAA's database takes that for `{}`",
                visible(other.as_str())
            ))
            .into());
        }
        // Asked first: where secrets cannot be tried, nothing is begun.
        if self.works(&SecretString::from("")).await? {
            return Err(Error::new(format!("client `{client}` has the empty secret: it is a public client"))
                .hint("to make it a confidential one, give it a client_secret in a manifest")
                .into());
        }
        let resumed = self.works(&self.new).await?;
        if resumed {
            self.must_tell_the_two_apart(&client)?;
            self.console.note(&format!("The new secret of {client} works already: going on from there."));
        } else {
            self.add(&client).await?;
            self.console.note(&format!("{client} has a second secret; the old one still works."));
        }
        self.finish(&client, resumed).await.or_else(|stop| match stop {
            Stop::Exit(exit) => Ok(exit),
            Stop::Error(error) => {
                self.console
                    .error(&error.hint(format!("both secrets may still work; to go on: {}", self.again())));
                Ok(Exit::Partial)
            }
        })
    }

    /// UAA drops the older of two, whichever that is. Who is logged in with the new one alone would have nothing left
    /// when that is it; who has another that works (this run is logged in with it) can put it back.
    fn must_tell_the_two_apart(&self, client: &str) -> Result<(), Error> {
        let same = self.own(false).is_some_and(|old| old.expose_secret() == self.new.expose_secret());
        if !same {
            return Ok(());
        }
        Err(Error::new(format!(
            "this run is logged in with the new secret of client `{client}`; nothing was changed"
        ))
        .cause("should it be the older of two, UAA would drop it, and nobody could put it back")
        .hint("to go on, log in with the old secret (UAA_CLIENT_SECRET, --client-secret-file)")
        .hint("where the old one does not work any more, the rotation is done"))
    }

    /// Gives the client the second secret; an error here has changed nothing.
    async fn add(&self, client: &str) -> Result<(), Stop> {
        self.place.hand_over(&self.new, self.console)?;
        let added =
            self.writes.at_once(self.deed(AtOnce::AddClientSecret), self.try_to_add(), Added::came_to);
        match added.await.inspect_err(|_| self.place.take_back())? {
            Added::Done => Ok(()),
            Added::Count => {
                self.place.take_back();
                Err(Error::new(format!(
                    "client `{client}` has two secrets already, or none, and the new one is not among them; nothing was changed"
                ))
                .hint("a rotation that was interrupted goes on with its own new secret: --new-secret-file FILE, with the file of that run")
                .hint("to end with one secret whatever they are, declare client_secret in a manifest and apply it: it replaces both")
                .into())
            }
            Added::Not(error) => {
                self.place.take_back();
                Err(explained(error, format!("client `{client}` gets no second secret; nothing was changed"))
                    .into())
            }
            Added::Maybe(error) => {
                let what = format!("nobody knows whether client `{client}` got its second secret");
                let error = explained(error, what).hint(format!("to go on: {}", self.again()));
                self.console.error(&error);
                Err(Stop::Exit(Exit::Partial))
            }
        }
    }

    async fn try_to_add(&self) -> Added {
        let error = match self.writer.add_client_secret(&self.client, &self.new, self.own(false)).await {
            Ok(SecretChange::Done) => return Added::Done,
            Ok(SecretChange::Count) => return Added::Count,
            Err(error) => error,
        };
        match error.kind {
            WriteErrorKind::Refused | WriteErrorKind::Drifted => Added::Not(error),
            // Maybe it was handled.
            WriteErrorKind::Faulty
            | WriteErrorKind::Systemic
            | WriteErrorKind::Unsettled
            | WriteErrorKind::Unknown => match self.works(&self.new).await {
                Ok(true) => Added::Done,
                Ok(false) => Added::Not(error),
                Err(_) => Added::Maybe(error),
            },
        }
    }

    /// What is written, for the audit log.
    fn deed(&self, action: AtOnce) -> Deed {
        let (none, secret) = (FieldValue::None, FieldValue::redacted());
        let (before, after) =
            if action == AtOnce::DropClientSecret { (secret, none) } else { (none, secret) };
        Deed {
            action: Act::AtOnce(action),
            kind: Kind::Client,
            key: KeyPart(self.client.as_str()).to_string(),
            object: Object::from(&self.client),
            fields: vec![FieldChange { name: "client_secret".to_owned(), before, after }],
            expects: Expects::PRESENT,
            because: None,
        }
    }

    /// Proves the new secret, waits, drops the old one, and looks whether the right one went.
    async fn finish(&self, client: &str, resumed: bool) -> Result<Exit, Stop> {
        if !self.works(&self.new).await? {
            return Err(Error::new(format!("the new secret of client `{client}` does not log in")).into());
        }
        let own;
        let writer = if self.args.own {
            // The proof: a session of its own. The old one's token ends with the old secret.
            let connection = Connection { login: Login::Secret(self.new.clone()), ..self.connection.clone() };
            let server = uaa::identify(&connection).await?;
            own = uaa::log_in_for(connection, server, &[Need::ClientSecrets]).await?.1;
            &own
        } else {
            &self.writer
        };
        self.wait().await?;
        let dropping = async {
            let dropped = writer.drop_old_client_secret(&self.client, self.own(true)).await;
            match dropped {
                // Maybe it was handled; then there is but one left, and UAA says so.
                Err(error) if error.kind != WriteErrorKind::Refused => {
                    writer.drop_old_client_secret(&self.client, self.own(true)).await
                }
                dropped => dropped,
            }
        };
        let alone = if resumed { Outcome::AlreadySo } else { Outcome::Done };
        let deed = self.deed(AtOnce::DropClientSecret);
        let dropped = self.writes.at_once(deed, dropping, |dropped| match dropped {
            Ok(SecretChange::Count) => (alone, None),
            other => changed(other),
        });
        let dropped = dropped.await?.map_err(|error| {
            explained(error, format!("the old secret of client `{client}` is not dropped"))
        })?;
        if !self.works(&self.new).await? {
            return self.put_back(client).await;
        }
        let done = match (dropped, resumed) {
            (SecretChange::Count, true) => "has this secret alone, as it had",
            _ => "has the new secret alone",
        };
        self.console.note(&format!("{client} {done}."));
        Ok(Exit::Done)
    }

    /// UAA drops the older of two. When a run goes on with a secret that is the older one, that was the wrong one.
    /// The session that this run began with puts it back: one of the dropped secret can do nothing any more.
    async fn put_back(&self, client: &str) -> Result<Exit, Stop> {
        let adding = self.writer.add_client_secret(&self.client, &self.new, self.own(false));
        let added = self.writes.at_once(self.deed(AtOnce::AddClientSecret), adding, changed).await;
        let added = added.map_err(|error| {
            error.hint(format!("client `{client}` lost the secret that was given; it was not put back"))
        })?;
        added
            .map_err(|error| explained(error, format!("client `{client}` lost the secret that was given")))?;
        Err(Error::new(format!(
            "the secret that was given is the older of the two of client `{client}`; it was dropped and added again"
        ))
        .cause("another new secret, which is not known here, was added after it and works too")
        .into())
    }

    async fn wait(&self) -> Result<(), Stop> {
        if self.args.wait == 0 {
            return Ok(());
        }
        self.console.note(&format!("Both work for another {} s (--wait).", self.args.wait));
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(self.args.wait.into())) => Ok(()),
            _ = tokio::signal::ctrl_c() => {
                self.console.say(&format!("Interrupted; both secrets work. To go on: {}\n", self.again()));
                Err(Stop::Exit(Exit::Partial))
            }
        }
    }

    async fn works(&self, secret: &SecretString) -> Result<bool, Error> {
        self.reader.secret_works(&self.client, secret).await
    }

    /// What a client that changes its own secret has to name, after the new one was added or before.
    fn own(&self, added: bool) -> Option<&SecretString> {
        match (self.args.own, added) {
            (true, true) => Some(&self.new),
            (true, false) => match &self.connection.login {
                Login::Secret(secret) => Some(secret),
                Login::Saved(_) => None,
            },
            (false, _) => None,
        }
    }

    /// The command that goes on where this one ended.
    fn again(&self) -> String {
        let file = match (&self.place, &self.args.new_secret_file) {
            (Place::File(path), _) | (_, Some(path)) => crate::visible::shell(&path.display().to_string()),
            _ => "FILE".to_owned(),
        };
        let own = if self.args.own { " --self" } else { "" };
        format!(
            "uaapply rotate {}{own} --new-secret-file {file}",
            crate::visible::shell(self.client.as_str())
        )
    }
}

fn changed(result: &Result<SecretChange, WriteError>) -> (Outcome, Option<&str>) {
    match result {
        Ok(SecretChange::Done) => (Outcome::Done, None),
        Ok(SecretChange::Count) => (Outcome::Failed, None),
        Err(error) if error.kind == WriteErrorKind::Refused => (Outcome::Failed, Some(&error.message)),
        Err(error) => (Outcome::Unknown, Some(&error.message)),
    }
}

/// What a failed write means here, with UAA's words.
fn explained(error: WriteError, what: String) -> Error {
    Error::new(what).cause(error.message)
}
