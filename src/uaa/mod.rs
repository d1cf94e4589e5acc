//! UAA over HTTP: a [`Reader`] that can only GET, a [`Writer`] that changes one thing at a time.
//!
//! The only module that knows HTTP and UAA's JSON. What UAA does in which version, and why the code is as it is,
//! stands at each call with its fact.

use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::error::Error;
use crate::model::{ClientId, GroupName, Guid, Mapping, UserKey};
use crate::observed::{MemberKind, Observed, ReadScope, Server};
use crate::plan::FieldChange;

/// How to reach a UAA and log in.
#[derive(Debug)]
pub struct Connection {
    /// UAA's address.
    pub target: Url,
    /// The client that logs in.
    pub client_id: ClientId,
    /// Its secret.
    pub client_secret: SecretString,
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
    let _ = connection;
    unimplemented!()
}

/// Can look, cannot write: it has no method that sends anything but GET (and the token's POST).
#[derive(Debug)]
pub struct Reader {}

impl Reader {
    /// Gets a token for reading.
    ///
    /// # Errors
    /// Wrong secret, unknown client, wrong zone.
    pub async fn log_in(connection: Connection, server: Server) -> Result<Self, Error> {
        let _ = (connection, server);
        unimplemented!()
    }

    /// Reads what a plan needs.
    ///
    /// # Errors
    /// Any read that is refused, fails, or stays incomplete after a second try: never a partial answer.
    pub async fn observe(&self, scope: &ReadScope) -> Result<Observed, Error> {
        let _ = scope;
        unimplemented!()
    }
}

/// Writes one thing at a time. A repeat is sent only where it is safe.
#[derive(Debug)]
pub struct Writer {}

/// Gets a token for reading and writing.
///
/// # Errors
/// As [`Reader::log_in`].
pub async fn log_in(connection: Connection, server: Server) -> Result<(Reader, Writer), Error> {
    let _ = (connection, server);
    unimplemented!()
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
        let _ = (user, fields, password);
        unimplemented!()
    }

    /// `GET /Users/{id}`, judge before and after, `PUT /Users/{id}` with `If-Match`.
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn update_user(&self, id: &Guid, fields: &[FieldChange]) -> Result<Written, WriteError> {
        let _ = (id, fields);
        unimplemented!()
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
        let _ = (name, description);
        unimplemented!()
    }

    /// Changes a group's description and loses no member (a PUT of a group can drop those that others add meanwhile).
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn describe_group(&self, id: &Guid, description: &FieldChange) -> Result<Written, WriteError> {
        let _ = (id, description);
        unimplemented!()
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
        let _ = (group, member, kind);
        unimplemented!()
    }

    /// `DELETE /Groups/{id}/members/{member}`.
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn remove_member(&self, group: &Guid, member: &Guid) -> Result<Written, WriteError> {
        let _ = (group, member);
        unimplemented!()
    }

    /// `POST /Groups/External` with the origin named.
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn map_external_group(&self, group: &Guid, mapping: &Mapping) -> Result<Written, WriteError> {
        let _ = (group, mapping);
        unimplemented!()
    }

    /// `DELETE /Groups/External/groupId/{id}/externalGroup/{dn}/origin/{origin}`.
    ///
    /// # Errors
    /// See [`WriteErrorKind`].
    pub async fn unmap_external_group(&self, group: &Guid, mapping: &Mapping) -> Result<Written, WriteError> {
        let _ = (group, mapping);
        unimplemented!()
    }
}
