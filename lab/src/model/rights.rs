//! Which scopes a request needs (facts §1.2): any of them, or `uaa.admin`.

use std::collections::BTreeSet;

use super::Reply;

/// The scopes of which one suffices; nothing where any token does.
fn any_of(method: &str, parts: &[&str]) -> &'static [&'static str] {
    match (method, parts) {
        ("GET", ["oauth", "clients", _, "meta"]) => &[],
        ("GET", ["oauth", "clients", ..]) => &["clients.read", "clients.admin"],
        (_, ["oauth", "clients", "tx", ..]) => &["clients.admin"],
        (_, ["oauth", "clients", _, "secret"]) => &["clients.secret", "clients.admin"],
        (_, ["oauth", "clients", ..]) => &["clients.write", "clients.admin"],
        ("GET", ["Users" | "Groups", ..]) => &["scim.read"],
        ("POST", ["Users"]) => &["scim.write", "scim.create"],
        ("POST", ["Groups", "External"]) => &["scim.write"],
        ("POST" | "PUT" | "PATCH", ["Groups", ..]) => &["scim.write", "groups.update"],
        (_, ["Users" | "Groups", ..]) => &["scim.write"],
        (_, ["identity-zones", ..]) => &["zones.read", "zones.write"],
        (_, ["identity-providers", ..]) => &["idps.read"],
        _ => &["uaa.admin"],
    }
}

/// Whether a token suffices.
pub(super) fn check(scopes: &BTreeSet<String>, method: &str, parts: &[&str]) -> Result<(), Reply> {
    let any = any_of(method, parts);
    if any.is_empty() || scopes.contains("uaa.admin") || any.iter().any(|scope| scopes.contains(*scope)) {
        return Ok(());
    }
    let mut reply = Reply::oauth(403, "insufficient_scope", "Insufficient scope for this resource");
    if let Some(body) = &mut reply.body {
        body["scope"] = format!("uaa.admin {}", any.join(" ")).into();
    }
    Err(reply)
}
