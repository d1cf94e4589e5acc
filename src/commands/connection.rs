//! From the command line to a connection.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::console::Console;
use super::saved_login;
use super::secret::{self, client_secret};
use crate::cli::{ConnectionArgs, ManifestArgs, Read};
use crate::desired::Secrets;
use crate::error::Error;
use crate::model::ClientId;
use crate::uaa::{Connection, Login, ReadBy, SavedToken};

/// Checks what can be wrong with a command line before anything is read.
pub(super) fn check(args: &ConnectionArgs, manifest: &ManifestArgs) -> Result<(), Error> {
    target(args.target.as_deref())?;
    if args.client_secret_stdin && manifest.files.iter().any(|path| path.as_os_str() == "-") {
        return Err(Error::new(
            "standard input cannot be both the manifest (-f -) and the secret (--client-secret-stdin)",
        )
        .hint("give the secret by UAA_CLIENT_SECRET or --client-secret-file"));
    }
    Ok(())
}

/// The same for a command without a manifest; `stdin` tells whether it reads something else from standard input.
pub(super) fn check_alone(args: &ConnectionArgs, stdin: bool) -> Result<(), Error> {
    target(args.target.as_deref())?;
    if args.client_secret_stdin && stdin {
        return Err(Error::new("standard input cannot be both the client's own secret and the new one")
            .hint("give the client's own by UAA_CLIENT_SECRET or --client-secret-file"));
    }
    Ok(())
}

/// Puts together how to reach UAA.
pub(super) async fn connection(
    args: &ConnectionArgs,
    secrets: &Secrets,
    console: &Console,
) -> Result<Connection, Error> {
    let (client_id, login) = match saved(args, console)? {
        Some(saved) => (saved.owner.client_id.clone(), Login::Saved(saved)),
        None => (ClientId::new(&*args.client_id), Login::Secret(client_secret(args, console).await?)),
    };
    with(args, client_id, login, secrets, console)
}

/// Puts together how to reach UAA, for a command that can do without a log-in of its own: then nobody is asked for a
/// secret, and the answer is false.
pub(super) async fn or_nobody(
    args: &ConnectionArgs,
    secrets: &Secrets,
    console: &Console,
) -> Result<(Connection, bool), Error> {
    if secret::is_given(args) || args.client_secret_stdin {
        return Ok((connection(args, secrets, console).await?, true));
    }
    let saved = saved(args, console)?;
    let known = saved.is_some();
    let (client_id, login) = match saved {
        Some(saved) => (saved.owner.client_id.clone(), Login::Saved(saved)),
        None => (ClientId::new(&*args.client_id), Login::Secret(String::new().into())),
    };
    Ok((with(args, client_id, login, secrets, console)?, known))
}

/// Another program's login for this address, where no secret is given.
fn saved(args: &ConnectionArgs, console: &Console) -> Result<Option<SavedToken>, Error> {
    let target = target(args.target.as_deref())?;
    Ok(match args.no_saved_login || secret::is_given(args) {
        true => None,
        false => saved_login::find(&target, &args.client_id, console),
    })
}

fn with(
    args: &ConnectionArgs,
    client_id: ClientId,
    login: Login,
    secrets: &Secrets,
    console: &Console,
) -> Result<Connection, Error> {
    let target = target(args.target.as_deref())?;
    if args.skip_ssl_validation {
        console
            .warn("certificates are not checked (-k): whoever sits between here and UAA can read the secret");
    }
    let of_clients = secrets.client_secrets.values().chain(secrets.token_salts.values());
    let all = secrets.passwords.values().chain(of_clients).chain(&secrets.others);
    // One value is one secret, wherever it comes from and however often it is used.
    let all: BTreeMap<&str, &SecretString> = all.map(|secret| (secret.expose_secret(), secret)).collect();
    let mask: Vec<SecretString> = all.into_values().cloned().collect();
    let connection = Connection {
        target,
        client_id,
        login,
        ca_cert: args.ca_cert.as_deref().filter(|text| !text.trim().is_empty()).map(ca_cert).transpose()?,
        skip_ssl_validation: args.skip_ssl_validation,
        allow_http: args.allow_http,
        zone: args.zone.clone().filter(|zone| !zone.is_empty()),
        timeout: Duration::from_secs(args.timeout.into()),
        concurrency: args.concurrency.into(),
        read_by: match args.read {
            Read::Fewest => ReadBy::Fewest,
            Read::List => ReadBy::List,
            Read::Lookup => ReadBy::LookUp,
        },
        mask,
    };
    connection.warning().iter().for_each(|warning| console.warn(warning));
    Ok(connection)
}

fn target(text: Option<&str>) -> Result<Url, Error> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Err(Error::new("no target: which UAA?")
            .hint("give --target https://api.pks.example.com:8443, or set UAA_TARGET"));
    };
    address(text, "the target (--target, UAA_TARGET)")
}

/// Reads an address; https unless it says http.
pub(super) fn address(text: &str, name: &str) -> Result<Url, Error> {
    let address = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let unusable = |why: &str| Error::new(format!("{name} is no usable address")).cause(why.to_owned());
    let url = Url::parse(&address).map_err(|error| unusable(&error.to_string()))?;
    if url.host_str().is_none() {
        return Err(unusable("it names no host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(unusable("it holds a user name or password, which would end up in logs")
            .hint("give the client by --client-id and its secret by UAA_CLIENT_SECRET"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(unusable("it has a query or fragment"));
    }
    Ok(url)
}

/// Takes PEM text as it is, anything else as a path: what OM_CA_CERT and BOSH_CA_CERT do.
fn ca_cert(text: &str) -> Result<Vec<u8>, Error> {
    if text.contains("-----BEGIN") {
        return Ok(text.as_bytes().to_vec());
    }
    std::fs::read(text).map_err(|error| {
        Error::new(format!("cannot read the CA certificate {text} (--ca-cert, UAA_CA_CERT)"))
            .cause(error.to_string())
    })
}
