//! UAA over HTTP: a [`Reader`] that can only GET, a [`Writer`] that changes one thing at a time.
//!
//! The only module that knows HTTP and UAA's JSON. What UAA does in which version, and why the code is as it is,
//! stands at each call with its fact.

mod accounts;
mod authority;
mod client_wire;
mod client_writes;
mod clients;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod groups;
mod http;
mod identify;
mod list;
mod mappings;
mod mask;
mod probe;
mod read;
mod removals;
mod rounds;
mod secrets;
mod session;
#[cfg(test)]
mod tests;
mod token;
mod trouble;
mod users;
mod visitor;
mod wire;
mod writing;
mod zone;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use self::http::{Answer, Repeat, Request, Transport, segment};
use self::mask::Mask;
use self::session::{Changing, Looking, NoAnswer};
use self::token::Tokens;

use crate::error::Error;
use crate::model::{ClientId, GroupName, Guid, Mapping, UAA_ORIGIN, UserKey};
use crate::observed::{Identity, MemberKind, Observed, ObservedGroup, ReadScope, Server};
use crate::plan::FieldChange;

pub use self::authority::{DEFAULT_ZONE, Need, check};
pub use self::secrets::SecretChange;
pub use self::visitor::{
    Came, Cluster, Credentials, Granted, Owner, Refusal, Unreached, UnreachedWhy, Validity, Visitor,
};

/// How to reach a UAA and log in.
#[derive(Clone, Debug)]
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

    /// Warns where a secret is so short that it stays readable in what the server says.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let short =
            self.secrets().filter(mask::is_too_short).filter(|secret| !secret.expose_secret().is_empty());
        match short.count() {
            0 => None,
            1 => Some(
                "a secret has fewer than 4 characters: it is not masked where UAA's own words hold it"
                    .to_owned(),
            ),
            n => Some(format!(
                "{n} secrets have fewer than 4 characters: they are not masked where UAA's own words hold them"
            )),
        }
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
    /// When UAA stops taking it.
    pub ends_at: Option<Instant>,
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

    /// Reads who holds something, for a review: groups, mappings, clients, and of the users those whom `members` picks
    /// from the groups. Never takes more requests than listing everything.
    ///
    /// # Errors
    /// As [`Self::observe`].
    pub async fn holders(
        &self,
        members: impl FnOnce(&BTreeMap<GroupName, ObservedGroup>) -> BTreeSet<Guid>,
    ) -> Result<Observed, Error> {
        let known = self.default_groups().clone().map(|(_, groups)| groups);
        read::holders(&self.looking, self.read_by, &self.server, known, members).await
    }

    fn default_groups(&self) -> MutexGuard<'_, Option<(Instant, DefaultGroups)>> {
        self.default_groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who we are, and how long the token still lasts where UAA says so.
    ///
    /// # Errors
    /// When a new token is needed and there is none.
    pub async fn me(&self) -> Result<(Identity, Option<Duration>), Error> {
        let token = self.looking.token().await?;
        let left = token.ends_at.map(|end| end.saturating_duration_since(Instant::now()));
        Ok((self.looking.identity(token), left))
    }

    /// The server and, where `-z` names one, the zone.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Tries whether this is the client's secret: UAA never tells. No token comes of it, and nothing changes.
    ///
    /// # Errors
    /// When UAA does not say, or the zone has no address of its own here.
    pub async fn secret_works(&self, client: &ClientId, secret: &SecretString) -> Result<bool, Error> {
        probe::secret_works(&self.looking, client, secret).await
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
    log_in_for(connection, server, &[Need::Read]).await
}

/// Gets a token for what a command needs, which may be nothing but to be known.
///
/// # Errors
/// Wrong secret, unknown client, wrong zone, or a token that does not suffice.
pub async fn log_in_for(
    connection: Connection,
    server: Server,
    needs: &[Need],
) -> Result<(Reader, Writer), Error> {
    let mask = Arc::new(Mask::new(connection.secrets()));
    let transport = Transport::new(&connection, mask)?;
    let tokens = Tokens::new(connection.client_id, connection.login);
    let token = tokens.current(&transport).await?;
    let (looking, changing) = session::begin(transport, tokens);
    let mut server = Server { zone: String::new(), ..server };
    let mut default_groups = None;
    // The token's own zone needs no header, and UAA refuses it (facts §7.1).
    let (looking, changing) = match connection.zone.filter(|zone| !zone.is_empty() && zone != DEFAULT_ZONE) {
        None => (looking, changing),
        Some(wanted) => {
            let found = zone::find(&looking, &token, &wanted).await?;
            default_groups = found.default_groups.map(|groups| (Instant::now(), Some(groups)));
            server.zone.clone_from(&found.id);
            (looking.in_zone(&found.id), changing.in_zone(&found.id))
        }
    };
    let me = looking.identity(token);
    check(&me, &server, needs).map_err(trouble::shown)?;
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
    /// UAA fails at it (a plain 500, or an answer that makes no sense): it does so over one thing's odd data, and over
    /// everything when it is broken. [`Writer::answers`] tells which.
    Faulty,
    /// No connection, a gateway's 5xx, no valid token, limited mode: others will fail alike.
    Systemic,
    /// The server is not as expected; nothing was written.
    Drifted,
    /// The request may have been handled, or a part of what was to be written is; UAA failed at the rest or at re-reading
    /// it. [`Writer::answers`] tells whether it does so at everything.
    Unsettled,
    /// The request may have been handled; re-reading it did not come through either.
    Unknown,
}

impl Writer {
    /// Looks at something that is always there: whether UAA answers at all, after it failed at one thing.
    ///
    /// # Errors
    /// When it does not.
    pub async fn answers(&self) -> Result<(), WriteError> {
        self.look_at_anything().await
    }

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

    /// `POST /oauth/clients`, with its secret and token salt; then its metadata, where there is any. A found client is
    /// drift, unless an earlier try of this very call made it.
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn create_client(
        &self,
        id: &ClientId,
        fields: &[FieldChange],
        secret: Option<&SecretString>,
        token_salt: Option<&SecretString>,
    ) -> Result<Written, WriteError> {
        self.post_client(id, fields, secret, token_salt).await
    }

    /// `GET /oauth/clients/{id}`, judge before and after, `POST /oauth/clients/tx/modify` with the whole client; its
    /// metadata by a PUT of its own.
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn update_client(
        &self,
        id: &ClientId,
        fields: &[FieldChange],
        token_salt: Option<&SecretString>,
    ) -> Result<Written, WriteError> {
        self.replace_client(id, fields, token_salt).await
    }

    /// `POST /oauth/clients/tx/modify` with `secret`: sets the secret where it does not work, and else leaves it and
    /// the client's tokens alone.
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn set_client_secret(
        &self,
        id: &ClientId,
        secret: &SecretString,
    ) -> Result<Written, WriteError> {
        self.modify_secret(id, secret).await
    }

    /// The client that UAA would change in the place of this one, because its database takes their ids for equal.
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn other_client(&self, id: &ClientId) -> Result<Option<ClientId>, WriteError> {
        self.taken_for(id).await
    }

    /// `PUT /oauth/clients/{id}/secret` with `ADD`: a second secret, beside the one there is. A client that changes
    /// its own names that one too.
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn add_client_secret(
        &self,
        id: &ClientId,
        secret: &SecretString,
        own: Option<&SecretString>,
    ) -> Result<SecretChange, WriteError> {
        self.put_secret(id, "ADD", Some(secret), own).await
    }

    /// `PUT /oauth/clients/{id}/secret` with `DELETE`: the older of two goes, and its tokens with it.
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn drop_old_client_secret(
        &self,
        id: &ClientId,
        own: Option<&SecretString>,
    ) -> Result<SecretChange, WriteError> {
        self.put_secret(id, "DELETE", None, own).await
    }

    /// Finds a user's id.
    ///
    /// # Errors
    /// See [`WriteErrorKind`]; no such user is [`WriteErrorKind::Refused`].
    pub async fn user_id(&self, user: &UserKey) -> Result<Guid, WriteError> {
        self.find_id(user).await
    }

    /// `PUT /Users/{id}/password`; ends the user's sessions.
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn set_password(&self, id: &Guid, password: &SecretString) -> Result<Written, WriteError> {
        self.put_password(id, password).await
    }

    /// `PATCH /Users/{id}/status`: takes the lock off that too many wrong passwords brought.
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn unlock(&self, id: &Guid) -> Result<(), WriteError> {
        self.patch_status(id, "locked", false).await
    }

    /// `PATCH /Users/{id}/status`: the user has to choose another password at the next log-in.
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn must_change_password(&self, id: &Guid) -> Result<(), WriteError> {
        self.patch_status(id, "passwordChangeRequired", true).await
    }

    /// `DELETE /oauth/clients/{id}`.
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn delete_client(&self, id: &ClientId) -> Result<Written, WriteError> {
        self.remove_client(id).await
    }

    /// `DELETE /Users/{id}`.
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn delete_user(&self, id: &Guid) -> Result<Written, WriteError> {
        self.remove_user(id).await
    }

    /// `DELETE /Groups/{id}`.
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn delete_group(&self, id: &Guid) -> Result<Written, WriteError> {
        self.remove_group(id).await
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
