//! UAA over HTTP: a [`Reader`] that can only GET, a [`Writer`] that changes one thing at a time.
//!
//! The only module that knows HTTP and UAA's JSON. What UAA does in which version, and why the code is as it is,
//! stands at each call with its fact.

mod answers;
mod group_writes;
mod groups;
mod http;
mod identify;
mod mapping_writes;
mod mask;
mod pages;
mod path;
mod read;
mod session;
mod token;
mod user_writes;
mod users;
mod wire;
mod write;
mod zone;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::error::Error;
use crate::model::ClientId;
use crate::observed::Server;
use http::Transport;
use mask::Mask;
use session::Session;
use token::Credentials;

pub use identify::identify;

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

/// Can look, cannot write: it has no method that sends anything but GET (and the token's POST).
pub struct Reader {
    session: Arc<Session>,
    server: Server,
    read_by: ReadBy,
}

impl Reader {
    /// Gets a token for reading.
    ///
    /// # Errors
    /// Wrong secret, unknown client, wrong zone, too little authority.
    pub async fn log_in(connection: Connection, server: Server) -> Result<Self, Error> {
        let read_by = connection.read_by;
        let mut secrets = connection.mask.clone();
        secrets.push(connection.client_secret.clone());
        let transport = Transport::new(&connection, Mask::new(secrets))?;
        let credentials =
            Credentials { client_id: connection.client_id, client_secret: connection.client_secret };
        let mut session = Session::log_in(transport, credentials).await?;
        if let Some(zone) = &connection.zone {
            session.zone = zone::find(&session, zone).await?;
        }
        session.must_read()?;
        Ok(Self { session: Arc::new(session), server, read_by })
    }
}

/// Writes one thing at a time. A repeat is sent only where it is safe.
pub struct Writer {
    session: Arc<Session>,
}

/// Gets a token for reading and writing.
///
/// # Errors
/// As [`Reader::log_in`].
pub async fn log_in(connection: Connection, server: Server) -> Result<(Reader, Writer), Error> {
    let reader = Reader::log_in(connection, server).await?;
    let writer = Writer { session: Arc::clone(&reader.session) };
    Ok((reader, writer))
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("server", &self.server).finish_non_exhaustive()
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
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
