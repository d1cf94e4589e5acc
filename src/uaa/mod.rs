//! UAA over HTTP: a [`Reader`] that can only GET, a [`Writer`] that changes one thing at a time.
//!
//! The only module that knows HTTP and UAA's JSON. What UAA does in which version, and why the code is as it is,
//! stands at each call with its fact.

mod authority;
mod groups;
mod http;
mod identify;
mod list;
mod mappings;
mod mask;
mod read;
mod session;
#[cfg(test)]
mod tests;
mod token;
mod trouble;
mod users;
mod wire;
mod writing;
mod zone;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use secrecy::SecretString;
use url::Url;

use self::http::{Answer, Repeat, Request, Transport, segment};
use self::mask::Mask;
use self::session::{Changing, Looking, NoAnswer};
use self::token::Tokens;

use crate::error::Error;
use crate::model::{ClientId, GroupName, Guid, Mapping, UAA_ORIGIN, UserKey};
use crate::observed::{MemberKind, Observed, ReadScope, Server};
use crate::plan::FieldChange;

pub use self::authority::{Need, check};

/// How to reach a UAA and log in.
#[derive(Debug)]
pub struct Connection {
    /// UAA's address.
    pub target: Url,
    /// The client that logs in.
    pub client_id: ClientId,
    /// How it proves that it is that.
    pub login: Login,
    /// PEM certificates to trust besides the system's.
    pub ca_cert: Option<Vec<u8>>,
    /// `-k`.
    pub skip_ssl_validation: bool,
    /// `--allow-http`: plain http to other hosts than loopback.
    pub allow_http: bool,
    /// `-z`: identity zone id or subdomain, by header with the default zone's token.
    pub zone: Option<String>,
    /// For one request.
    pub timeout: Duration,
    /// Requests under way at once.
    pub concurrency: usize,
    /// How users are read.
    pub read_by: ReadBy,
    /// Values to mask in whatever the server says.
    pub mask: Vec<SecretString>,
}

impl Connection {
    /// All that no text may hold.
    fn secrets(&self) -> impl Iterator<Item = SecretString> {
        let own = match &self.login {
            Login::Secret(secret) => secret,
            Login::Saved(saved) => &saved.token,
        };
        self.mask.iter().chain([own]).cloned()
    }
}

/// How to log in.
#[derive(Clone, Debug)]
pub enum Login {
    /// By the client's secret, as often as it takes.
    Secret(SecretString),
    /// With a token that another program was given. It cannot be renewed.
    Saved(SavedToken),
}

/// A token that another program was given.
#[derive(Clone, Debug)]
pub struct SavedToken {
    /// The token.
    pub token: SecretString,
    /// Whose it is.
    pub owner: TokenOwner,
    /// What it may do.
    pub scopes: BTreeSet<String>,
    /// Which program's, and where it is kept, for messages.
    pub from: String,
}

/// Whose a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenOwner {
    /// The client that got it.
    pub client_id: ClientId,
    /// The user for whom, if it is one's.
    pub user: Option<UserKey>,
}

/// How users are read: both ways give the same plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadBy {
    /// Whichever takes fewer requests.
    #[default]
    Fewest,
    /// All pages.
    List,
    /// Only those that the manifest names.
    LookUp,
}

/// Asks a server what it is, without logging in: `GET /info`, `GET /.well-known/openid-configuration`.
///
/// # Errors
/// When the host cannot be reached, its certificate is not trusted, or it is no UAA: the cause and what to do.
pub async fn identify(connection: &Connection) -> Result<Server, Error> {
    identify::identify(connection).await
}

/// Can look, cannot write: it has no method that sends anything but GET (and the token's POST).
#[derive(Debug)]
pub struct Reader {
    looking: Looking,
    read_by: ReadBy,
    /// `zone` is filled where `-z` names another zone than the token's own.
    server: Server,
    /// As last read, and when.
    default_groups: Mutex<Option<(Instant, DefaultGroups)>>,
}

/// The groups that everyone in the zone holds; None when the token may not read the zone.
type DefaultGroups = Option<BTreeSet<GroupName>>;

/// How long the default groups count as known: UAA itself works with the ones that it read so long ago.
const DEFAULT_GROUPS_KEEP: Duration = Duration::from_secs(120);

impl Reader {
    /// Gets a token for reading.
    ///
    /// # Errors
    /// Wrong secret, unknown client, wrong zone.
    pub async fn log_in(connection: Connection, server: Server) -> Result<Self, Error> {
        Ok(log_in(connection, server).await?.0)
    }

    /// Reads what a plan needs.
    ///
    /// # Errors
    /// Any read that is refused, fails, or stays incomplete after a second try: never a partial answer.
    pub async fn observe(&self, scope: &ReadScope) -> Result<Observed, Error> {
        let known = self.default_groups().clone();
        let known = known.filter(|(read, _)| read.elapsed() < DEFAULT_GROUPS_KEEP);
        let begun = Instant::now();
        let groups = known.as_ref().map(|(_, groups)| groups.clone());
        let observed = read::observe(&self.looking, self.read_by, &self.server, groups, scope).await?;
        if known.is_none() {
            *self.default_groups() = Some((begun, observed.default_groups.clone()));
        }
        Ok(observed)
    }

    fn default_groups(&self) -> MutexGuard<'_, Option<(Instant, DefaultGroups)>> {
        self.default_groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many requests were sent so far by this reader, its writer and [`identify`].
    #[must_use]
    pub fn requests(&self) -> u64 {
        identify::REQUESTS + self.looking.sent()
    }
}

/// Writes one thing at a time. A repeat is sent only where it is safe.
#[derive(Debug)]
pub struct Writer {
    changing: Changing,
}

/// Gets a token for reading and writing.
///
/// # Errors
/// As [`Reader::log_in`].
pub async fn log_in(connection: Connection, server: Server) -> Result<(Reader, Writer), Error> {
    let mask = Arc::new(Mask::new(connection.secrets()));
    let transport = Transport::new(&connection, mask)?;
    let tokens = Tokens::new(connection.client_id, connection.login);
    let token = tokens.current(&transport).await?;
    let (looking, changing) = session::begin(transport, tokens);
    let mut server = Server { zone: String::new(), ..server };
    let mut default_groups = None;
    // The token's own zone needs no header, and UAA refuses it (facts §7.1).
    let (looking, changing) =
        match connection.zone.filter(|zone| !zone.is_empty() && zone != authority::DEFAULT_ZONE) {
            None => (looking, changing),
            Some(wanted) => {
                let found = zone::find(&looking, &token, &wanted).await?;
                default_groups = found.default_groups.map(|groups| (Instant::now(), Some(groups)));
                server.zone.clone_from(&found.id);
                (looking.in_zone(&found.id), changing.in_zone(&found.id))
            }
        };
    let me = looking.identity(token);
    check(&me, &server, &[Need::Read]).map_err(trouble::shown)?;
    let default_groups = Mutex::new(default_groups);
    Ok((Reader { looking, read_by: connection.read_by, server, default_groups }, Writer { changing }))
}

/// What a write came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It was made.
    Done,
    /// The server already was as wished; nothing was written.
    AlreadySo,
}

/// A write that did not come about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteError {
    /// What that means for the rest of the run.
    pub kind: WriteErrorKind,
    /// Method, path, status and UAA's own words, masked.
    pub message: String,
}

/// What a failed write means for the rest of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteErrorKind {
    /// UAA refuses this one thing.
    Refused,
    /// No connection, 5xx, no valid token, limited mode: others will fail alike.
    Systemic,
    /// The server is not as expected; nothing was written.
    Drifted,
    /// The request may have been handled; re-reading did not settle it.
    Unknown,
}

impl Writer {
    /// `POST /Users`. `fields` are the manifest's names; a found account is drift, unless an earlier try of this very
    /// call made it.
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn create_user(
        &self,
        user: &UserKey,
        fields: &[FieldChange],
        password: Option<&SecretString>,
    ) -> Result<Guid, WriteError> {
        self.post_user(user, fields, password).await
    }

    /// `GET /Users/{id}`, judge before and after, `PUT /Users/{id}` with `If-Match`.
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn update_user(&self, id: &Guid, fields: &[FieldChange]) -> Result<Written, WriteError> {
        self.put_user(id, fields).await
    }

    /// `POST /Groups`, without members.
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn create_group(
        &self,
        name: &GroupName,
        description: Option<&str>,
    ) -> Result<Guid, WriteError> {
        self.post_group(name, description).await
    }

    /// Changes a group's description, and as little else as UAA allows: `PATCH /Groups/{id}` with `If-Match`. Members
    /// whom others add meanwhile and whom that costs are put back, as far as they are seen.
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn describe_group(&self, id: &Guid, description: &FieldChange) -> Result<Written, WriteError> {
        self.patch_description(id, description).await
    }

    /// `POST /Groups/{id}/members` with origin `uaa`.
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn add_member(
        &self,
        group: &Guid,
        member: &Guid,
        kind: MemberKind,
    ) -> Result<Written, WriteError> {
        let path = format!("/Groups/{}", segment(group.as_str()));
        // A row of another origin would end with the user's next login (trap 27).
        self.post_member(&path, member, kind, UAA_ORIGIN).await
    }

    /// `DELETE /Groups/{id}/members/{member}`.
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn remove_member(&self, group: &Guid, member: &Guid) -> Result<Written, WriteError> {
        self.delete_member(group, member).await
    }

    /// `POST /Groups/External` with the origin named.
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn map_external_group(&self, group: &Guid, mapping: &Mapping) -> Result<Written, WriteError> {
        self.post_mapping(group, mapping).await
    }

    /// `DELETE /Groups/External/groupId/{id}/externalGroup/{dn}/origin/{origin}`.
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn unmap_external_group(&self, group: &Guid, mapping: &Mapping) -> Result<Written, WriteError> {
        self.delete_mapping(group, mapping).await
    }
}

/// What the writing modules share.
impl Writer {
    async fn send(&self, request: Request, repeat: Repeat) -> Result<Answer, NoAnswer> {
        self.changing.send(request, repeat).await
    }

    fn looking(&self) -> Looking {
        self.changing.looking()
    }

    fn mask(&self) -> &Mask {
        self.changing.mask()
    }

    fn refused(&self, request: &str, answer: &Answer) -> WriteError {
        WriteError::refused(request, answer, self.mask())
    }

    fn drifted(&self, message: &str) -> WriteError {
        WriteError::new(WriteErrorKind::Drifted, self.mask().text(message))
    }
}
