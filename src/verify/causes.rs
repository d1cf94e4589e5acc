//! Why a step failed: what UAA or the PKS API answered, turned into a cause and the next thing to do.
//!
//! UAA tells little, on purpose: a wrong password, an unknown user, a suspended one and a client with a secret all answer
//! "Bad credentials" (live answers, `pks-bad-password`, `pks-inactive-user`). Where an administrator is logged in too,
//! what they see tells which.

use super::scopes::{self, Given};
use super::{Case, State, Step, StepName, Who};
use crate::client::{ClientField, ClientValue};
use crate::model::{ClientId, UserKey};
use crate::observed::Observed;
use crate::uaa::{Came, Cluster, Granted, Owner, Refusal, Unreached, UnreachedWhy, Validity};
use crate::visible::{is_shell_word, visible};

/// What an administrator's secret would add.
const LOOK: &str = "with UAA_CLIENT_SECRET (or --client-secret-file) verify looks at the user and the client, and says which it is";

pub(super) fn login(who: &Who, came: Option<&Came<Granted>>, given: Option<&Given>, case: &Case<'_>) -> Step {
    let asked = match who {
        Who::User(_) if case.by_passcode => format!("a token by passcode, through client {}", case.through),
        Who::User(_) => format!("a token by password, through client {}", case.through),
        Who::Client(client) => format!("a token by the secret of client {client}"),
    };
    let step = |state, came: &str| Step::new(StepName::Login, state, visible(&asked), came);
    match came {
        None => step(State::Skipped, "not tried")
            .means("a password was wrong already in this run, and each wrong one counts towards a lock")
            .next("run verify for this one alone"),
        Some(Came::Granted(granted)) => {
            let lasts = granted.lasts.map_or_else(String::new, |lasts| format!(" for {lasts} s"));
            step(State::Ok, &format!("a token{lasts}"))
        }
        Some(Came::Unreached(unreached)) => {
            let step = step(State::Failed, &unreached.line);
            not_reached(step, unreached, &format!("UAA at {}", case.url))
        }
        Some(Came::Refused(refusal)) => {
            // The whole list of scopes is refused where the user holds none of them.
            if refusal.word == "invalid_scope" {
                let fine = given.is_some_and(Given::gives_no_clusters);
                let step = step(if fine { State::Ok } else { State::Failed }, &refusal.line);
                return no_scope(step, who, fine, given, case);
            }
            refused(step(State::Failed, &refusal.line), who, refusal, case)
        }
    }
}

/// UAA gives no token, since the user has none of the client's scopes.
fn no_scope(step: Step, who: &Who, fine: bool, given: Option<&Given>, case: &Case<'_>) -> Step {
    let Who::User(user) = who else {
        return step.means("the client has none of the scopes that it asks for");
    };
    let through = case.through;
    let step = step.means(format!(
        "the password is right, and {user} holds none of the scopes of client {through}: no way to any cluster"
    ));
    if fine {
        return step.means("the manifest gives none");
    }
    let given = given.map(Given::cluster_scopes).unwrap_or_default();
    if given.is_empty() {
        return step.next(format!(
            "give access in the manifest: cluster_access: manage under {}, then uaapply apply",
            word(user.username.as_str())
        ));
    }
    let mut step = step.means(format!("the manifest gives {}", given.join(", ")));
    if let Some(insight) = case.insight {
        let held: Vec<_> = scopes::cluster_groups()
            .filter(|group| !scopes::ways(insight, user, group).is_empty())
            .map(|group| group.to_string())
            .collect();
        if held.is_empty() {
            step =
                step.means(format!("at the server {user} is in no such group: the manifest is not applied"));
        } else {
            step = step.means(format!(
                "at the server {user} is in {}, which client {through} does not have in `scope`",
                held.join(" and ")
            ));
            return step.next(format!("add them to the scope of client {through}"));
        }
    }
    step.next("uaapply plan -f PATH shows what is left to do")
}

fn refused(step: Step, who: &Who, refusal: &Refusal, case: &Case<'_>) -> Step {
    let text = refusal.text.to_ascii_lowercase();
    let has = |words: &str| text.contains(words);
    let through = case.through;
    match who {
        _ if refusal.status == 429 => {
            step.means("UAA's rate limiter turns requests away").next("try again in a minute")
        }
        _ if refusal.status >= 500 => step
            .means("UAA failed at this log-in")
            .next("an identity provider (LDAP) that UAA cannot reach answers so too: see UAA's log"),
        Who::User(user) if has("locked") => step
            .means(format!("{user} is locked after too many wrong passwords (UAA: five within 20 minutes)"))
            .next(format!("uaapply unlock {}", word(user.username.as_str())))
            .next("or wait: UAA's own lock ends after five minutes"),
        Who::User(_) if has("grant type") || refusal.word == "unauthorized_client" => step
            .means(format!("client {through} may not log users in by password"))
            .next(format!("add the grant type password to client {through}, or name another by --through")),
        Who::User(user) if has("identity provider") => step
            .means(format!(
                "client {through} does not let in users of origin {} (`allowedproviders`)",
                user.origin
            ))
            .next(format!("add {} to allowedproviders of client {through}", user.origin)),
        Who::User(_) if has("required group") => step
            .means(format!("client {through} lets in only members of its `required_user_groups`"))
            .next("put the user into one of these groups"),
        Who::User(user) if has("password") && (has("change") || has("expire")) => {
            step.means("the password is right, and has to be changed before it is good for anything").next(
                format!("log in once at {}, or: uaapply password {}", case.url, word(user.username.as_str())),
            )
        }
        Who::User(_) if has("not verified") || has("unverified") => step
            .means("the account's e-mail address is not verified")
            .next("write `verified: true` in the user's entry, or have the user follow the link"),
        Who::User(_) if case.by_passcode => step
            .means("the passcode is wrong, used already, or older than five minutes")
            .next(format!("get another at {}/passcode", case.url)),
        Who::User(user) if refusal.status == 401 => bad_credentials(step, user, case),
        Who::Client(client) if refusal.status == 401 => bad_client(step, client, case),
        Who::User(_) | Who::Client(_) => step.means("UAA refuses the log-in"),
    }
}

fn bad_credentials(step: Step, user: &UserKey, case: &Case<'_>) -> Step {
    let step = match case.by_manifest {
        true => step.means("the manifest's initial password was sent; the user may have another by now"),
        false => step,
    };
    let through = case.through;
    let Some(insight) = case.insight else {
        return step
            .means(format!(
                "a wrong password, no such user, a suspended one, or no client {through} with an empty secret: UAA answers all alike"
            ))
            .next(LOOK)
            .next("do not try again and again: the fifth wrong password locks the account");
    };
    if !insight.clients.contains_key(through) {
        return step
            .means(format!("there is no client {through}"))
            .next("name the one that people log in through by --through (PKS: pks_cli, CF: cf)");
    }
    if insight.client_secrets_wrong.as_ref().is_some_and(|wrong| wrong.contains(through)) {
        return step
            .means(format!(
                "client {through} has a secret, so nobody can log in through it as `pks login` does"
            ))
            .next(format!(
                "give it an empty one: in a manifest, client_id: {through} with client_secret: \"\""
            ));
    }
    let Some(found) = insight.users.get(user) else {
        let elsewhere = insight.users.keys().find(|key| key.username == user.username);
        return match elsewhere {
            Some(other) => step
                .means(format!("there is no user {user}; {other} has another origin"))
                .next(format!("uaapply verify user/{other}")),
            None => step
                .means(format!("there is no user {user}"))
                .next("uaapply plan -f PATH shows whether the manifest is applied"),
        };
    };
    if !found.active {
        return step
            .means(format!("{user} is suspended (active: false)"))
            .next("write `active: true` in the user's entry, then uaapply apply");
    }
    let step = step.means("the password is wrong");
    match user.origin.is_uaa() {
        true => step
            .next("do not try again and again: the fifth wrong password locks the account")
            .next(format!("set another: uaapply password {}", word(user.username.as_str()))),
        false => step
            .means(format!("it is the identity provider of origin {} that checks it", user.origin))
            .next("who logs in by single sign-on has no password here: --passcode"),
    }
}

fn bad_client(step: Step, client: &ClientId, case: &Case<'_>) -> Step {
    match case.insight {
        Some(insight) if !insight.clients.contains_key(client) => step
            .means(format!("there is no client {client}"))
            .next("uaapply plan -f PATH shows whether the manifest is applied"),
        Some(insight) if !logs_in_by_itself(insight, client) => step
            .means(format!("client {client} lacks the grant type client_credentials"))
            .next("add it to authorized_grant_types"),
        Some(_) => step.means("the secret is wrong").next(format!(
            "set it from the manifest by uaapply apply, or: uaapply rotate {}",
            word(client.as_str())
        )),
        None => step.means("the secret is wrong, or there is no such client").next(LOOK),
    }
}

fn logs_in_by_itself(insight: &Observed, client: &ClientId) -> bool {
    let grants = insight.clients.get(client).and_then(|c| c.fields.get(&ClientField::AuthorizedGrantTypes));
    match grants {
        Some(ClientValue::Set(grants)) => grants.contains("client_credentials"),
        _ => true,
    }
}

pub(super) fn token(
    who: &Who,
    granted: Option<&Granted>,
    validity: Option<&Validity>,
    case: &Case<'_>,
) -> Step {
    let asked = format!("whether {} confirms the token", case.url);
    let step = |state, came: &str| Step::new(StepName::Token, state, asked.clone(), came);
    if let Some(other) = granted.and_then(|granted| granted.owner.as_ref()).filter(|owner| !is(who, owner)) {
        let other = match other {
            Owner::User(user) => Who::User(user.clone()),
            Owner::Client(client) => Who::Client(client.clone()),
        };
        return step(State::Failed, &visible(&format!("it is the token of {other}")))
            .means(format!("somebody else logged in: nothing is proven of {who}"))
            .next("give the password or passcode of the one who is to be verified; of two users of one name UAA picks one");
    }
    match validity {
        None => Step::skipped(StepName::Token, asked.clone()),
        Some(Validity::Active) => step(State::Ok, "UAA calls it active"),
        Some(Validity::Signed(key)) => step(
            State::Ok,
            &format!("signed by UAA's key {}; issuer, audience and end are right", visible(key)),
        ),
        Some(Validity::Inactive) => step(State::Failed, "UAA calls it inactive")
            .means("it was revoked right after it was given: the user was changed meanwhile")
            .next("run verify again"),
        Some(Validity::Unsound(why)) => step(State::Failed, why)
            .means("whoever checks tokens by UAA's keys, as the PKS API may, refuses this one")
            .next("compare `issuer.uri` of UAA with its address, and the clocks of both machines"),
        Some(Validity::Unknown(why)) => step(State::Unknown, why)
            .next("a client with the authority uaa.resource may ask UAA: --client-id ID with its secret"),
    }
}

pub(super) fn clusters(
    who: &Who,
    granted: Option<&Granted>,
    came: Option<&Came<Vec<Cluster>>>,
    given: Option<&Given>,
    case: &Case<'_>,
) -> Step {
    let asked = format!("GET {}/v1/clusters", case.pks_api);
    let step = |state, came: &str| Step::new(StepName::Clusters, state, asked.clone(), came);
    match came {
        None => Step::skipped(StepName::Clusters, asked.clone()),
        Some(Came::Granted(clusters)) => {
            let names: Vec<&str> = clusters.iter().map(|cluster| cluster.name.as_str()).collect();
            let count = crate::render::count(names.len(), "cluster");
            let list = if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
            let step = step(State::Ok, &visible(&format!("{count}{list}")));
            match reach(granted) {
                Some(words) => step.means(words),
                None => step,
            }
        }
        Some(Came::Unreached(unreached)) => {
            let step = step(State::Failed, &unreached.line);
            let step = match unreached.why {
                UnreachedWhy::NoConnection => step.means(
                    "UAA answers and the PKS API does not: a load balancer or firewall may let through UAA's port only",
                ),
                UnreachedWhy::UnknownHost
                | UnreachedWhy::Certificate
                | UnreachedWhy::NotTls
                | UnreachedWhy::NoAnswer => step,
            };
            not_reached(step, unreached, &format!("the PKS API at {}", case.pks_api))
        }
        Some(Came::Refused(refusal)) => match refusal.status {
            401 => step(State::Failed, &refusal.line)
                .means("the PKS API does not accept a token that UAA has just given")
                .next("it may trust another UAA or issuer, or its clock is wrong: see the PKS API's log"),
            403 => {
                let fine = given.is_some_and(Given::gives_no_clusters);
                let step = step(if fine { State::Ok } else { State::Failed }, &refusal.line)
                    .means(format!("{who} is known, and has none of the scopes {}", all_scopes()));
                match fine {
                    true => step.means("the manifest gives none"),
                    false => step.next("give access in the manifest by cluster_access, then uaapply apply"),
                }
            }
            status if (300..400).contains(&status) || status == 404 || status == 200 => {
                step(State::Failed, &refusal.line).means(format!("{} is not the PKS API", case.pks_api)).next(
                    "give its address by --pks-api; it is at port 9021 of the host whose UAA is at port 8443",
                )
            }
            502..=504 => step(State::Failed, &refusal.line)
                .means("a load balancer answers in its place, or it cannot reach UAA")
                .next("check the PKS API's own VM: bosh instances --ps"),
            _ => step(State::Failed, &refusal.line)
                .means("the PKS API failed at it")
                .next("see the PKS API's log"),
        },
    }
}

/// What a token's scopes let their bearer see.
fn reach(granted: Option<&Granted>) -> Option<&'static str> {
    let scopes = &granted?.scopes;
    let has = |scope: &str| scopes.contains(scope);
    if has("pks.clusters.admin") {
        Some("pks.clusters.admin: all clusters")
    } else if has("pks.clusters.admin.read") {
        Some("pks.clusters.admin.read: all clusters, to look at")
    } else if has("pks.clusters.manage") {
        Some("pks.clusters.manage: those that this one created")
    } else {
        None
    }
}

/// Whether a token's owner is the one who is to be proven.
fn is(who: &Who, owner: &Owner) -> bool {
    match (who, owner) {
        (Who::User(user), Owner::User(owner)) => user == owner,
        (Who::Client(client), Owner::Client(owner)) => client == owner,
        (Who::User(_), Owner::Client(_)) | (Who::Client(_), Owner::User(_)) => false,
    }
}

fn all_scopes() -> String {
    scopes::cluster_groups().map(|group| group.to_string()).collect::<Vec<_>>().join(", ")
}

fn not_reached(step: Step, unreached: &Unreached, what: &str) -> Step {
    match unreached.why {
        UnreachedWhy::UnknownHost => step
            .means(format!("the host name of {what} is not known here"))
            .next("check the address for a typo, and DNS (VPN?); another address of the PKS API: --pks-api"),
        UnreachedWhy::NoConnection => step
            .means(format!("nothing answers for {what}"))
            .next("check host, port and firewall; another address of the PKS API: --pks-api"),
        UnreachedWhy::Certificate => step
            .means(format!("the certificate of {what} does not fit: `pks login` refuses it too"))
            .next("use the name that it holds, or give the CA by --ca-cert"),
        UnreachedWhy::NotTls => step
            .means(format!("{what} does not speak TLS"))
            .next("check the port: 8443 is UAA, 9021 the PKS API"),
        UnreachedWhy::NoAnswer => step
            .means(format!("{what} took the connection and gave no answer"))
            .next("a load balancer without anybody behind it, or a restart: try again in a minute"),
    }
}

/// A name as one word of a command.
fn word(name: &str) -> String {
    if is_shell_word(name) { name.to_owned() } else { crate::visible::shell(name) }
}
