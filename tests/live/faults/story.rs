//! What is applied while something breaks: a manifest before and one after, with changes of every kind between them.

use std::fmt::Write as _;

/// The client that gets another secret.
pub(super) const ROTATED: &str = "ci0";

/// Its secrets, as `((old))` and `((new))`.
pub(super) const SECRETS: [(&str, &str); 2] = [("T_old", "the-old-Secret-1"), ("T_new", "the-new-Secret-2")];

/// How the name ends of a user who is renamed.
pub(super) const OLD_NAME: &str = ".old";

/// Twenty members more or less are what these stories are about: nothing here is too many.
pub(super) const POLICY: &str = "version: 1\nremovals: {percent: 100, most: 1000}\n";

/// So many changes of each kind, `size` times over: 22 or more for each.
#[derive(Clone, Copy)]
pub(super) struct Story {
    pub(super) size: usize,
}

impl Story {
    pub(super) const SMALL: Self = Self { size: 1 };
    /// More than sixty changes.
    pub(super) const LARGE: Self = Self { size: 3 };

    pub(super) fn before(self) -> String {
        let (mut users, mut groups, mut clients) = (String::new(), COMMON_GROUPS.to_owned(), String::new());
        for n in 0..self.size {
            let _ = write!(
                users,
                "
  - {{username: keeper{n}, email: k{n}@example.com, password: ((password)), groups: [team.old{n}], cluster_access: manage}}
  - {{username: mover{n}, email: m{n}@example.com, password: ((password)), groups: [team.old{n}], cluster_access: manage}}
  - {{username: erin{n}.old, previously: erin{n}, email: e{n}@example.com, given_name: Erin, password: ((password)), groups: [team.old{n}]}}
  - {{username: rest{n}, email: r{n}@example.com, password: ((password)), groups: [team.old{n}, team.gone{n}], active: true, phone: '1'}}
  - {{username: back{n}, email: b{n}@example.com, password: ((password)), active: false}}
  - {{username: leaver{n}, email: l{n}@example.com, password: ((password)), groups: [team.old{n}], cluster_access: read}}
  - {{username: joiner{n}@example.com, state: absent}}"
            );
            let _ = write!(
                groups,
                "
  - {{name: team.old{n}, description: Before, external_groups: [{{origin: ldap, group: 'cn=old{n},dc=example'}}]}}
  - {{name: team.gone{n}, members: [{{group: team.old{n}}}], external_groups: [{{origin: ldap, group: 'cn=gone{n},dc=example'}}]}}
  - {{name: team.new{n}, state: absent}}"
            );
            let _ = write!(
                clients,
                "
  - {{client_id: ci{n}, client_secret: ((old)), authorized_grant_types: [client_credentials], authorities: [team.old{n}, team.both], access_token_validity: 600, name: Before}}
  - {{client_id: cgone{n}, client_secret: ((old)), authorized_grant_types: [client_credentials], authorities: [team.old{n}]}}
  - {{client_id: cnew{n}, state: absent}}"
            );
        }
        manifest(&users, &groups, &clients)
    }

    pub(super) fn after(self) -> String {
        let (mut users, mut groups, mut clients) = (String::new(), COMMON_GROUPS.to_owned(), String::new());
        for n in 0..self.size {
            let _ = write!(
                users,
                "
  - {{username: keeper{n}, groups: [team.old{n}], cluster_access: manage}}
  - {{username: mover{n}, groups: [team.new{n}], cluster_access: admin}}
  - {{username: erin{n}, previously: erin{n}.old, email: e{n}@example.com, given_name: Erin-Eve, password: ((password)), groups: [team.old{n}, team.new{n}]}}
  - {{username: rest{n}, groups: [team.old{n}], active: false, phone: '2'}}
  - {{username: back{n}, groups: [team.new{n}], active: true}}
  - {{username: leaver{n}, state: absent}}
  - {{username: joiner{n}@example.com, password: ((password)), groups: [team.new{n}], cluster_access: read}}"
            );
            let _ = write!(
                groups,
                "
  - {{name: team.old{n}, description: After, external_groups: [{{origin: ldap, group: 'cn=other{n},dc=example'}}]}}
  - {{name: team.gone{n}, state: absent}}
  - {{name: team.new{n}, description: New, members: [{{group: team.old{n}}}], external_groups: [{{origin: ldap, group: 'cn=new{n},dc=example'}}]}}"
            );
            // One is enough: each is tried again in each run.
            let secret = if n == 0 { ", client_secret: ((new))" } else { "" };
            let _ = write!(
                clients,
                "
  - {{client_id: ci{n}{secret}, authorized_grant_types: [client_credentials], authorities: [team.new{n}, team.both], access_token_validity: 900, name: After}}
  - {{client_id: cgone{n}, state: absent}}
  - {{client_id: cnew{n}, client_secret: ((new)), authorized_grant_types: [client_credentials], authorities: [team.new{n}]}}"
            );
        }
        manifest(&users, &groups, &clients)
    }
}

const COMMON_GROUPS: &str = "
  - {name: pks.clusters.admin, additive: true}
  - {name: pks.clusters.manage, additive: true}
  - {name: pks.clusters.admin.read, additive: true}";

fn manifest(users: &str, groups: &str, clients: &str) -> String {
    format!("version: 1\nusers:{users}\ngroups:{groups}\nclients:{clients}\n")
}
