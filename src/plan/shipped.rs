//! The names that UAA brings along: groups that its own configuration writes, and those that everyone holds.
//!
//! Knows names only (facts §4.6, §4.8, §6.7); what follows from them is decided where they are asked for.

use std::collections::BTreeSet;

use crate::model::{ClientId, ClusterRole, GroupName};
use crate::observed::Observed;

/// The groups that everyone holds in the default zone of the `uaa.yml` that UAA ships.
const DEFAULT_ZONE: [&str; 14] = [
    "approvals.me",
    "cloud_controller.read",
    "cloud_controller.write",
    "cloud_controller_service_permissions.read",
    "oauth.approvals",
    "openid",
    "password.write",
    "profile",
    "roles",
    "scim.me",
    "scim.userids",
    "uaa.offline_token",
    "uaa.user",
    "user_attributes",
];

/// The groups that everyone holds in a newly made zone (`UserConfig`).
const OTHER_ZONES: [&str; 8] = [
    "approvals.me",
    "openid",
    "password.write",
    "profile",
    "roles",
    "uaa.offline_token",
    "uaa.user",
    "user_attributes",
];

/// Groups that UAA creates and describes at each start, besides the default ones (`nonDefaultUserGroups`, and
/// `scim.groups` of the `uaa.yml` that it ships).
const BOOTSTRAPPED: [&str; 21] = [
    "clients.admin",
    "clients.read",
    "clients.secret",
    "clients.write",
    "cloud_controller.admin",
    "groups.update",
    "idps.read",
    "idps.write",
    "oauth.approval",
    "oauth.login",
    "scim.create",
    "scim.invite",
    "scim.read",
    "scim.userids",
    "scim.write",
    "scim.zones",
    "uaa.admin",
    "uaa.none",
    "uaa.resource",
    "zones.read",
    "zones.write",
];

/// Clients that UAA, the platform and PKS bring and log in with.
const CLIENTS: [&str; 5] = ["admin", "cf", "identity", "login", "pks_cli"];

/// Clients that the configuration of UAA, Cloud Foundry, BOSH and PKS makes, besides those; no answer of UAA tells.
const REWRITTEN: [&str; 24] = [
    "apps_manager_js",
    "bosh_cli",
    "cc-service-dashboards",
    "cc_routing",
    "cc_service_key_client",
    "cloud_controller",
    "cloud_controller_username_lookup",
    "credhub",
    "credhub-admin",
    "credhub_admin_client",
    "credhub_cli",
    "director",
    "director_to_credhub",
    "doppler",
    "gorouter",
    "hm",
    "network-policy",
    "opsman",
    "pks_cluster_client",
    "routing_api_client",
    "ssh-proxy",
    "tcp_emitter",
    "tcp_router",
    "uaa_scim",
];

/// Tells whether UAA's own configuration makes and describes this group.
pub(crate) fn is_group(group: &GroupName) -> bool {
    BOOTSTRAPPED.contains(&group.folded()) || DEFAULT_ZONE.contains(&group.folded())
}

/// Groups with these beginnings belong to UAA and the platform, whether or not this list knows each of them.
const FAMILIES: [&str; 7] = ["uaa.", "scim.", "clients.", "zones.", "idps.", "oauth.", "cloud_controller."];

/// Tells whether UAA, the platform or PKS works with this group, so that it is never removed unless named.
pub(super) fn is_platform_group(group: &GroupName) -> bool {
    is_group(group)
        || FAMILIES.iter().any(|family| group.folded().starts_with(family))
        || ClusterRole::ALL.iter().any(|role| role.group() == *group)
}

/// Tells whether the platform brings this client.
pub(super) fn is_client(client: &ClientId) -> bool {
    CLIENTS.contains(&client.as_str())
}

/// Tells whether the server's configuration writes this client at each start, as a rule.
pub(crate) fn is_rewritten(client: &ClientId) -> bool {
    is_client(client) || REWRITTEN.contains(&client.as_str())
}

/// Returns the groups that everyone in the zone holds: as read, or else the names that UAA ships.
pub(crate) fn default_groups(observed: &Observed) -> BTreeSet<GroupName> {
    match &observed.default_groups {
        Some(groups) => groups.clone(),
        None if observed.server.zone == DEFAULT_ZONE_ID => names(&DEFAULT_ZONE),
        None => names(&OTHER_ZONES),
    }
}

/// The id of the zone that every UAA has.
pub(super) const DEFAULT_ZONE_ID: &str = "uaa";

fn names(names: &[&str]) -> BTreeSet<GroupName> {
    names.iter().map(|&name| GroupName::new(name)).collect()
}
