//! Little TLS servers whose certificate is not what a client should accept, and one that is no UAA.
//! They answer every request with the same page; nothing here talks to UAA.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::response::Html;
use tempfile::TempDir;

use crate::ca::{Authority, LOOPBACK, Validity};
use crate::client::Threads;
use crate::{LabError, pks_api};

/// What is wrong with a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Its certificate ended in 2019.
    Expired,
    /// Its certificate is signed by another authority than the one in [`Server::ca_file`].
    OtherAuthority,
    /// Its certificate is for `uaa.other.example`.
    WrongName,
    /// Nothing about its certificate: only it is no UAA.
    NoUaa,
}

pub use Kind::{Expired, NoUaa, OtherAuthority, WrongName};

const PAGE: &str =
    "<!DOCTYPE html><html><head><title>Welcome</title></head><body><h1>It works!</h1></body></html>";

/// A running server; it ends when dropped.
pub struct Server {
    url: String,
    ca: String,
    ca_file: PathBuf,
    _folder: TempDir,
    _threads: Arc<Threads>,
}

/// Starts a server of this kind on a free port.
///
/// # Errors
/// When there is no port or no temporary folder.
pub fn serving(kind: Kind) -> Result<Server, LabError> {
    let trusted = Authority::new("uaapply lab CA")?;
    let identity = match kind {
        Expired => trusted.server(&LOOPBACK, Validity::Ended),
        OtherAuthority => Authority::new("somebody else's CA")?.server(&LOOPBACK, Validity::Now),
        WrongName => trusted.server(&["uaa.other.example"], Validity::Now),
        NoUaa => trusted.server(&LOOPBACK, Validity::Now),
    }?;
    let folder = tempfile::tempdir().map_err(LabError::io("cannot make a temporary folder"))?;
    let ca_file = trusted.write(folder.path())?;
    let listener = pks_api::listen(0)?;
    let port = listener.local_addr().map_err(LabError::io("the server has no port"))?.port();
    let threads = Threads::new()?;
    threads.spawn(pks_api::serve(listener, identity, Router::new().fallback(async || Html(PAGE))));
    Ok(Server {
        url: format!("https://localhost:{port}"),
        ca: trusted.pem(),
        ca_file,
        _folder: folder,
        _threads: threads,
    })
}

impl Server {
    /// The server's address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The authority that a client is told to trust, in PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca
    }

    /// The same in a file.
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }
}
