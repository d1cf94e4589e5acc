//! An existing login of `uaac` or `uaa-cli`, for who gives no secret.
//!
//! Decides which one fits: for this very address, not expired, of the client that is asked for, and a token that says
//! whose it is (a JWT). Reads their files and never writes them; the token goes nowhere but to that address.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::console::Console;
use crate::model::{ClientId, Origin, UserKey, Username};
use crate::uaa::{SavedToken, TokenOwner};
use crate::visible::visible;

/// A token that ends sooner is not begun with: it cannot be renewed.
const SHORTEST: Duration = Duration::from_secs(60);
/// No such file is larger.
const LARGEST: u64 = 1 << 20;
/// The client whose name stands there when nobody gave one.
const DEFAULT_CLIENT: &str = "admin";

/// Finds a login that fits, and says which, or why one for this address does not.
pub(super) fn find(target: &Url, client_id: &str, console: &Console) -> Option<SavedToken> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = std::env::home_dir();
    let uaac = set("UAAC_HOME").or_else(|| home.clone()).map(|folder| folder.join(".uaac.yml"));
    let uaa = set("UAA_HOME").or_else(|| Some(home?.join(".uaa"))).map(|folder| folder.join("config.json"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    for (tool, file, read) in [("uaac", uaac, of_uaac as Reading), ("uaa-cli", uaa, of_uaa_cli)] {
        let Some(file) = file else { continue };
        let from = |context: &str| visible(&format!("{tool}'s login {context} in {}", file.display()));
        let saved = match text(&file).map(|text| text.map(|text| read(text.expose_secret(), target))) {
            Ok(Some(Some(saved))) => saved,
            Ok(None) => continue,
            Ok(Some(None)) | Err(_) => {
                console.note(&format!("Not used: {} cannot be read", visible(&file.display().to_string())));
                continue;
            }
        };
        let Some(Saved { context, token }) = saved else { continue };
        match usable(token, client_id, now) {
            Ok(Usable { token, owner, scopes, lasts }) => {
                let from = from(&context);
                console.note(&format!("No secret is given: using {from}, {}", whose(&owner)));
                let ends_at = Instant::now().checked_add(lasts);
                return Some(SavedToken { token, owner, scopes, ends_at, from });
            }
            Err(why) => console.note(&format!("Not used: {}, because {why}", from(&context))),
        }
    }
    None
}

fn whose(owner: &TokenOwner) -> String {
    match &owner.user {
        Some(user) => visible(&format!("of user {user} by client {}", owner.client_id)),
        None => visible(&format!("of client {}", owner.client_id)),
    }
}

/// A token of a file.
struct Saved {
    context: String,
    token: SecretString,
}

/// Reads a file's text for an address; `None` when it makes no sense, `Some(None)` when it has no login there.
type Reading = fn(&str, &Url) -> Option<Option<Saved>>;

/// Reads a file that may not be there.
fn text(file: &Path) -> std::io::Result<Option<SecretString>> {
    let opened = match std::fs::File::open(file) {
        Ok(opened) => opened,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    opened.take(LARGEST).read_to_string(&mut text)?;
    Ok(Some(text.into()))
}

#[derive(Deserialize)]
struct UaacTarget {
    #[serde(default)]
    contexts: Option<BTreeMap<String, UaacContext>>,
}

#[derive(Deserialize)]
struct UaacContext {
    #[serde(default)]
    current: bool,
    access_token: Option<SecretString>,
}

fn of_uaac(text: &str, target: &Url) -> Option<Option<Saved>> {
    let targets: BTreeMap<String, UaacTarget> = serde_saphyr::from_str(text).ok()?;
    let here = targets.into_iter().find(|(address, _)| same(address, target));
    let contexts = here.and_then(|(_, here)| here.contexts).into_iter().flatten();
    let mut current = contexts.filter(|(_, context)| context.current);
    Some(current.find_map(|(name, context)| Some(Saved { context: name, token: context.access_token? })))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UaaCli {
    #[serde(default)]
    targets: Option<BTreeMap<String, UaaCliTarget>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UaaCliTarget {
    base_url: String,
    #[serde(default)]
    active_context_name: String,
    #[serde(default)]
    contexts: Option<BTreeMap<String, UaaCliContext>>,
}

#[derive(Deserialize)]
struct UaaCliContext {
    #[serde(rename = "Token")]
    token: UaaCliToken,
}

#[derive(Deserialize)]
struct UaaCliToken {
    access_token: Option<SecretString>,
}

fn of_uaa_cli(text: &str, target: &Url) -> Option<Option<Saved>> {
    let config: UaaCli = serde_json::from_str(text).ok()?;
    let here =
        config.targets.into_iter().flatten().map(|(_, here)| here).find(|here| same(&here.base_url, target));
    let Some(here) = here else { return Some(None) };
    let context = here.contexts.and_then(|mut contexts| contexts.remove(&here.active_context_name));
    Some(
        context
            .and_then(|context| context.token.access_token)
            .map(|token| Saved { context: here.active_context_name, token }),
    )
}

/// Compares addresses; `uaac` writes them in lower case.
fn same(address: &str, target: &Url) -> bool {
    let path = |url: &Url| url.path().trim_end_matches('/').to_ascii_lowercase();
    Url::parse(address).is_ok_and(|url| {
        url.scheme() == target.scheme()
            && url.host_str() == target.host_str()
            && url.port_or_known_default() == target.port_or_known_default()
            && path(&url) == path(target)
    })
}

/// What a token of UAA says about itself.
#[derive(Deserialize)]
struct Claims {
    client_id: String,
    user_id: Option<String>,
    user_name: Option<String>,
    origin: Option<String>,
    #[serde(default)]
    scope: Vec<String>,
    exp: u64,
}

struct Usable {
    token: SecretString,
    owner: TokenOwner,
    scopes: BTreeSet<String>,
    lasts: Duration,
}

/// Judges a token, `now` since the epoch. Its signature is UAA's to check.
fn usable(token: SecretString, client_id: &str, now: Duration) -> Result<Usable, &'static str> {
    let claims = claims(token.expose_secret()).ok_or("it is opaque: nobody but UAA can tell whose it is")?;
    if Duration::from_secs(claims.exp) < now + SHORTEST {
        return Err("it has expired");
    }
    let user = match (claims.user_id, claims.user_name, claims.origin) {
        (None, _, _) => None,
        (Some(_), Some(name), Some(origin)) => Some(UserKey::new(Origin::new(origin), Username::new(name))),
        (Some(_), ..) => return Err("it does not say whose it is"),
    };
    if claims.client_id != client_id && (user.is_none() || client_id != DEFAULT_CLIENT) {
        return Err("it is another client's than --client-id");
    }
    let owner = TokenOwner { client_id: ClientId::new(claims.client_id), user };
    let lasts = Duration::from_secs(claims.exp) - now;
    Ok(Usable { token, owner, scopes: claims.scope.into_iter().collect(), lasts })
}

fn claims(token: &str) -> Option<Claims> {
    let mut parts = token.split('.');
    let (_, claims, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else {
        return None;
    };
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_000_000);

    fn jwt(claims: &str) -> SecretString {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims)).into()
    }

    fn judged(claims: &str, client: &str) -> Result<(String, Vec<String>), &'static str> {
        let Usable { owner, scopes, .. } = usable(jwt(claims), client, NOW)?;
        Ok((whose(&owner), scopes.into_iter().collect()))
    }

    #[test]
    fn only_a_token_that_lasts_and_says_whose_it_is_is_usable() {
        let client = |exp: u64| {
            format!(r#"{{"client_id": "admin", "scope": ["scim.write", "scim.read"], "exp": {exp}}}"#)
        };
        let scopes = vec!["scim.read".to_owned(), "scim.write".to_owned()];
        assert_eq!(judged(&client(1_000_060), "admin"), Ok(("of client admin".to_owned(), scopes)));
        assert_eq!(judged(&client(1_000_059), "admin"), Err("it has expired"));
        assert_eq!(judged(&client(2_000_000), "ci"), Err("it is another client's than --client-id"));

        let user =
            r#"{"client_id": "cf", "user_id": "1", "user_name": "ann", "origin": "ldap", "exp": 2000000}"#;
        for given in ["admin", "cf"] {
            assert_eq!(judged(user, given), Ok(("of user ldap/ann by client cf".to_owned(), vec![])));
        }
        assert_eq!(judged(user, "ci"), Err("it is another client's than --client-id"));
        let nobody = user.replace(r#""origin": "ldap", "#, "");
        assert_eq!(judged(&nobody, "cf"), Err("it does not say whose it is"));
        for opaque in ["0123456789abcdef", "a.b", "a.b.c", "e30.e30.c2ln", "e30.e30.c2ln.x", ""] {
            assert!(usable(opaque.into(), "admin", NOW).is_err_and(|why| why.contains("opaque")), "{opaque}");
        }
    }

    #[test]
    fn addresses_are_the_same_whatever_their_spelling() {
        let target = |text: &str| Url::parse(text).expect("an address");
        for (address, other) in [
            ("https://api.example.com", "https://API.example.com:443/"),
            ("https://api.example.com:8443", "https://api.example.com:8443/"),
            ("https://om.example.com/uaa/", "https://om.example.com/UAA"),
        ] {
            assert!(same(address, &target(other)), "{address} {other}");
        }
        for (address, other) in [
            ("http://api.example.com", "https://api.example.com"),
            ("https://api.example.com", "https://api.example.com:8443"),
            ("https://api.example.com", "https://api.example.com/uaa"),
            ("https://api.example.com.evil.org", "https://api.example.com"),
            ("api.example.com", "https://api.example.com"),
        ] {
            assert!(!same(address, &target(other)), "{address} {other}");
        }
    }

    #[test]
    fn the_current_context_of_this_address_is_read_from_either_file() {
        let target = Url::parse("https://api.example.com:8443").expect("an address");
        let found = |saved: Option<Option<Saved>>| {
            saved.map(|saved| saved.map(|saved| (saved.context, saved.token.expose_secret().to_owned())))
        };
        let uaac = "\
---
https://other.example.com:
  current: true
  contexts:
    admin: {current: true, client_id: admin, access_token: other}
https://api.example.com:8443:
  ca_cert:
  prompts: {username: [text, Email], password: [password, Password]}
  contexts:
    ann: {client_id: cf, access_token: not-current, user_id: 1}
    admin:
      current: true
      client_id: admin
      access_token: current
      expires_in: 43199
      scope: [clients.read]
";
        assert_eq!(found(of_uaac(uaac, &target)), Some(Some(("admin".to_owned(), "current".to_owned()))));
        assert_eq!(found(of_uaac("--- {}\n", &target)), Some(None));
        assert_eq!(found(of_uaac("https://api.example.com:8443: {current: true}\n", &target)), Some(None));
        assert_eq!(found(of_uaac("- nonsense\n", &target)), None);

        let name = "client:admin user: grant_type:client_credentials";
        let uaa = format!(
            r#"{{"Verbose": false, "ActiveTargetName": "url:x", "Targets": {{"url:https://api.example.com:8443": {{
                "BaseUrl": "https://api.example.com:8443", "SkipSSLValidation": false, "ActiveContextName": "{name}",
                "Contexts": {{"{name}": {{"client_id": "admin", "grant_type": "client_credentials", "username": "",
                "Token": {{"access_token": "current", "token_type": "bearer", "expiry": "2026-09-01T12:00:00Z"}}}}}}}}}}}}"#
        );
        assert_eq!(found(of_uaa_cli(&uaa, &target)), Some(Some((name.to_owned(), "current".to_owned()))));
        let other = Url::parse("https://other.example.com").expect("an address");
        assert_eq!(found(of_uaa_cli(&uaa, &other)), Some(None));
        assert_eq!(found(of_uaa_cli(r#"{"Targets": null}"#, &target)), Some(None));
        assert_eq!(found(of_uaa_cli("nonsense", &target)), None);
    }
}
