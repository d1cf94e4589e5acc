//! A shell script of `uaac` commands.
//!
//! Decides what each command comes to when the script has run to its end, and that the answer of a command that only
//! looks is nothing to carry over. Values of options are never shown in notes: any of them may be a secret.

use super::Source;
use super::gather::{At, Gathered, Of, Secret};
use super::shell::{self, Command, Word};
use crate::client::{ClientField, ClientFieldKind, ClientValue};
use crate::manifest::write::ClientSecret;
use crate::model::{ClientId, GroupName, Member, Origin, UserKey, Username};
use crate::visible::visible;

/// Options that take a value, with their short form.
const VALUED: [(&str, Option<char>); 34] = [
    ("access_token_validity", None),
    ("allowedproviders", None),
    ("allowpublic", None),
    ("attributes", Some('a')),
    ("authorities", None),
    ("authorized_grant_types", None),
    ("autoapprove", None),
    ("ca-cert", None),
    ("client", Some('c')),
    ("clone", None),
    ("config", None),
    ("count", None),
    ("data", None),
    ("del_attrs", None),
    ("emails", None),
    ("family_name", None),
    ("given_name", None),
    ("id", None),
    ("jwks", None),
    ("jwks_uri", None),
    ("kid", None),
    ("name", None),
    ("old_secret", None),
    ("origin", None),
    ("password", Some('p')),
    ("phones", None),
    ("redirect_uri", None),
    ("refresh_token_validity", None),
    ("required_user_groups", None),
    ("scope", None),
    ("secret", Some('s')),
    ("signup_redirect_url", None),
    ("start", None),
    ("zone", Some('z')),
];

/// Options without one.
const FLAGS: [&str; 10] = [
    "all",
    "basic_auth",
    "debug",
    "force",
    "help",
    "interact",
    "no-basic_auth",
    "skip-ssl-validation",
    "trace",
    "version",
];

/// Commands of shell scripts that say nothing about users, groups and clients.
const HARMLESS: [&str; 40] = [
    "#", ".", ":", "[", "[[", "}", "break", "case", "cat", "cd", "continue", "cut", "declare", "done",
    "echo", "esac", "exit", "export", "false", "fi", "for", "function", "grep", "head", "jq", "mkdir",
    "mktemp", "printf", "pwd", "read", "return", "set", "shift", "sleep", "source", "test", "trap", "true",
    "unset", "wait",
];

/// A `uaac` command taken apart.
struct Call<'a> {
    at: At,
    /// `user add`.
    topic: String,
    args: Vec<Word>,
    options: Vec<(&'static str, Word)>,
    gathered: &'a mut Gathered,
}

/// Reads a script.
pub(super) fn read(source: &Source, gathered: &mut Gathered) {
    let (commands, broken) = shell::commands(&source.text);
    let at = |line: usize| At { file: source.name.clone(), line };
    let mut zone = false;
    for broken in broken {
        gathered.note(Of::All, &at(broken.line), broken.why);
    }
    for command in commands {
        let at = at(command.line);
        let Some(words) = uaac(&command) else {
            let program = &command.words[0];
            if program.unknown.is_some() {
                gathered.note(Of::All, &at, "a command whose name is in a variable");
            } else if !HARMLESS.contains(&program.text.as_str()) && !is_noise(&command) {
                // Only what surely is a program's name: anything else may hold a secret.
                let shown = crate::visible::is_shell_word(&program.text) && program.text.len() < 40;
                let name = if shown { &program.text } else { "this" };
                gathered.note(Of::All, &at, format!("{} is no command of uaac", visible(name)));
            }
            continue;
        };
        let mut call = parse(words, at, gathered);
        if call.option("zone").is_some() && !std::mem::replace(&mut zone, true) {
            call.note(
                Of::All,
                "the zone (-z): give it to uaapply with -z or UAA_ZONE, or pin it with `target: {zone: …}`",
            );
        }
        call.run();
    }
}

/// Returns the words after `uaac`.
fn uaac(command: &Command) -> Option<&[Word]> {
    let name = |n: usize| command.words.get(n).map(|word| word.text.rsplit('/').next().unwrap_or_default());
    match (name(0), name(1), name(2)) {
        (Some("uaac"), ..) => Some(&command.words[1..]),
        (Some("bundle"), Some("exec"), Some("uaac")) => Some(&command.words[3..]),
        _ => None,
    }
}

/// The value lists of a `case`, function heads and the like: no command at all.
fn is_noise(command: &Command) -> bool {
    command.words.len() == 1 && !command.words[0].text.contains(|c: char| c.is_ascii_alphanumeric())
}

fn parse<'a>(words: &[Word], at: At, gathered: &'a mut Gathered) -> Call<'a> {
    let (mut args, mut options) = (Vec::new(), Vec::new());
    let mut words = words.iter().peekable();
    let mut unknown = Vec::new();
    while let Some(word) = words.next() {
        let text = word.text.as_str();
        if let Some(long) = text.strip_prefix("--").filter(|long| !long.is_empty()) {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => {
                    (name, Some(Word { text: value.to_owned(), unknown: word.unknown.clone() }))
                }
                None => (long, None),
            };
            if is_flag(name) {
                continue;
            }
            match valued(name) {
                Some(name) => {
                    if let Some(value) = value.or_else(|| words.next().cloned()) {
                        options.push((name, value));
                    }
                }
                None => {
                    unknown.push(format!("--{name}"));
                    if value.is_none() {
                        words.next_if(|word| !word.text.starts_with('-'));
                    }
                }
            }
        } else if let Some(short) = text.strip_prefix('-').and_then(|rest| rest.chars().next()) {
            let Some((name, _)) = VALUED.into_iter().find(|(_, letter)| *letter == Some(short)) else {
                continue;
            };
            let attached = &text[1 + short.len_utf8()..];
            let value = if attached.is_empty() && word.unknown.is_none() {
                words.next().cloned()
            } else {
                Some(Word { text: attached.to_owned(), unknown: word.unknown.clone() })
            };
            options.extend(value.map(|value| (name, value)));
        } else {
            args.push(word.clone());
        }
    }
    // `uaac users` and `uaac clients` are topics of one word.
    let single = |text: &str| {
        matches!(
            text,
            "users"
                | "groups"
                | "clients"
                | "target"
                | "targets"
                | "context"
                | "contexts"
                | "me"
                | "info"
                | "version"
                | "help"
                | "prompts"
                | "curl"
        )
    };
    let mut topic = String::new();
    if !args.is_empty() {
        topic = args.remove(0).text;
        if !single(&topic) && !args.is_empty() {
            topic = format!("{topic} {}", args.remove(0).text);
            if topic == "token client" || topic == "token owner" || topic == "token sso" {
                args.drain(..args.len().min(1));
            }
        }
    }
    let call = Call { at, topic, args, options, gathered };
    for option in unknown {
        call.gathered.note(
            Of::All,
            &call.at,
            format!("the option {} of `uaac {}`", visible(&option), visible(&call.topic)),
        );
    }
    call
}

/// An option of this name, or of one that only this one begins with, as uaac takes it.
fn valued(name: &str) -> Option<&'static str> {
    let names = || VALUED.into_iter().map(|(full, _)| full);
    if let Some(exact) = names().find(|full| *full == name) {
        return Some(exact);
    }
    let mut beginning = names().filter(|full| full.starts_with(name));
    match (beginning.next(), beginning.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

fn is_flag(name: &str) -> bool {
    FLAGS.iter().any(|flag| *flag == name || flag.starts_with(name) && valued(name).is_none())
}

/// Commands that have a counterpart in a manifest.
const KNOWN: [&str; 16] = [
    "user add",
    "user update",
    "user delete",
    "user activate",
    "user deactivate",
    "password set",
    "group add",
    "group delete",
    "group map",
    "group unmap",
    "member add",
    "member delete",
    "client add",
    "client update",
    "client delete",
    "secret set",
];

/// Splits a list as uaac does.
fn list(text: &str) -> Vec<String> {
    let words = text.split(|c: char| c.is_whitespace() || c == ',');
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

impl Call<'_> {
    fn run(&mut self) {
        match self.topic.as_str() {
            "user add" => self.user(true),
            "user update" => self.user(false),
            "user delete" => self.users(|call, key| call.gathered.remove_user(key, &call.at)),
            "user activate" => self.users(|call, key| call.gathered.user(key, &call.at).active = Some(true)),
            "user deactivate" => {
                self.users(|call, key| call.gathered.user(key, &call.at).active = Some(false))
            }
            "password set" => self.password(),
            "group add" => {
                if let Some(group) = self.group() {
                    self.gathered.group(&group, &self.at);
                }
            }
            "group delete" => {
                if let Some(group) = self.group() {
                    self.gathered.remove_group(&group, &self.at);
                }
            }
            "group map" => self.map(),
            "group unmap" => self.unmap(),
            "member add" => self.members(true),
            "member delete" => self.members(false),
            "client add" => self.client(true),
            "client update" => self.client(false),
            "client delete" => {
                if let Some(id) = self.client_id() {
                    self.gathered.remove_client(&id, &self.at);
                }
            }
            "secret set" => self.secret_set(),
            "user unlock" => self.note(Of::All, "unlocking is no state: `uaapply unlock` does it"),
            "target" if !self.args.is_empty() => {
                self.note(Of::All, "the target: give it to uaapply with --target or UAA_TARGET, its CA with --ca-cert or UAA_CA_CERT");
            }
            "token client" | "token owner" | "token sso" => {
                self.note(Of::All, "the login: give the client to uaapply with --client-id or UAA_CLIENT_ID, its secret by UAA_CLIENT_SECRET");
            }
            // They look, or they change nothing but uaac's own files.
            "" | "target" | "targets" | "context" | "contexts" | "me" | "info" | "version" | "help"
            | "prompts" | "users" | "user get" | "user ids" | "groups" | "group get" | "group mappings"
            | "clients" | "client get" | "token get" | "token decode" | "token delete" | "token refresh"
            | "signing key" | "password strength" => {}
            other => {
                let near = crate::manifest::nearest(other, KNOWN)
                    .map_or_else(String::new, |near| format!("; did you mean `uaac {near}`?"));
                let text = format!("`uaac {}` has no counterpart in a manifest{near}", visible(other));
                self.note(Of::All, text);
            }
        }
    }

    fn note(&mut self, of: Of, text: impl Into<String>) {
        self.gathered.note(of, &self.at, text);
    }

    fn option(&self, name: &str) -> Option<&Word> {
        self.options.iter().rev().find(|(other, _)| *other == name).map(|(_, word)| word)
    }

    /// Returns an option's value; one that comes from an unknown variable is noted.
    fn value(&mut self, name: &str, of: &Of) -> Option<String> {
        let word = self.option(name)?.clone();
        match word.unknown {
            None => Some(word.text),
            Some(from) => {
                self.note(of.clone(), format!("--{name} comes from {from}, whose value is not known here"));
                None
            }
        }
    }

    /// Returns the next name on the command line.
    fn name(&mut self, what: &str) -> Option<String> {
        if self.args.is_empty() {
            let text = format!("`uaac {}` names no {what}: uaac would ask for it", self.topic);
            self.note(Of::All, text);
            return None;
        }
        let word = self.args.remove(0);
        match word.unknown {
            None => Some(word.text),
            Some(from) => {
                let text = format!(
                    "`uaac {}`: the {what} comes from {from}, whose value is not known here",
                    self.topic
                );
                self.note(Of::All, text);
                None
            }
        }
    }

    fn group(&mut self) -> Option<GroupName> {
        self.name("group").map(GroupName::new)
    }

    fn client_id(&mut self) -> Option<ClientId> {
        self.name("client").map(ClientId::new)
    }

    /// Returns whom a name means.
    fn key(&mut self, username: &str) -> Option<UserKey> {
        match self.option("origin") {
            None => Some(self.gathered.named(username)),
            Some(_) => {
                let origin = self.value("origin", &Of::All)?;
                Some(UserKey::new(Origin::new(origin), Username::new(username)))
            }
        }
    }

    fn user(&mut self, add: bool) {
        let Some(name) = self.name("user") else { return };
        let Some(key) = self.key(&name) else { return };
        let of = Of::User(key.clone());
        self.gathered.user(&key, &self.at);
        if let Some(emails) = self.value("emails", &of) {
            let emails = list(&emails);
            if emails.len() > 1 {
                self.note(of.clone(), format!("`{key}` has several e-mail addresses; UAA keeps the first"));
            }
            self.gathered.user(&key, &self.at).email = emails.into_iter().next();
        } else if add && !name.contains('@') && self.option("emails").is_none() {
            self.note(of.clone(), format!("`{key}` has no e-mail address, which UAA needs: add `email`"));
        }
        if let Some(phones) = self.value("phones", &of) {
            self.gathered.user(&key, &self.at).phone =
                phones.split(',').next().map(|phone| phone.trim().to_owned());
        }
        if let Some(name) = self.value("given_name", &of) {
            self.gathered.user(&key, &self.at).given_name = Some(name);
        }
        if let Some(name) = self.value("family_name", &of) {
            self.gathered.user(&key, &self.at).family_name = Some(name);
        }
        if self.option("del_attrs").is_some() {
            self.note(
                of.clone(),
                "--del_attrs: write the keys to clear as empty texts, such as `phone: \"\"`",
            );
        }
        if self.option("password").is_some() || add && key.origin.is_uaa() {
            let secret = self.secret("password");
            self.gathered.password(&key, secret, &self.at);
        }
    }

    /// Where a secret comes from.
    fn secret(&self, option: &str) -> Secret {
        match self.option(option) {
            None => Secret::Elsewhere("uaac's question".to_owned()),
            Some(Word { unknown: Some(from), .. }) => Secret::Elsewhere(from.clone()),
            Some(Word { text, unknown: None }) => Secret::of(text),
        }
    }

    /// Returns all names that are left on the command line.
    fn names(&mut self, what: &str) -> Vec<String> {
        let count = self.args.len().max(1);
        (0..count).filter_map(|_| self.name(what)).collect()
    }

    fn users(&mut self, mut act: impl FnMut(&mut Self, &UserKey)) {
        for name in self.names("user") {
            if let Some(key) = self.key(&name) {
                act(self, &key);
            }
        }
    }

    fn password(&mut self) {
        let Some(name) = self.name("user") else { return };
        let Some(key) = self.key(&name) else { return };
        let secret = self.secret("password");
        self.gathered.password(&key, secret, &self.at);
        self.note(
            Of::User(key),
            "a manifest's password is the initial one: `uaapply password` changes it later",
        );
    }

    fn members(&mut self, present: bool) {
        let Some(group) = self.group() else { return };
        for name in self.names("user") {
            let member = Member::User(self.gathered.named(&name));
            self.gathered.member(&group, member, present, &self.at);
        }
    }

    fn map(&mut self) {
        if self.option("id").is_some() {
            return self
                .note(Of::All, "`uaac group map --id` names the group by its id; a manifest needs its name");
        }
        let Some(external) = self.name("LDAP or SAML group") else { return };
        let Some(group) = self.value("name", &Of::All).map(GroupName::new) else { return };
        let Some(origin) = self.origin_of_mapping() else { return };
        self.gathered.map(&group, &origin, &external, true, &self.at);
    }

    fn unmap(&mut self) {
        let Some(group) = self.group() else { return };
        let Some(external) = self.name("LDAP or SAML group") else { return };
        let Some(origin) = self.origin_of_mapping() else { return };
        self.gathered.map(&group, &origin, &external, false, &self.at);
    }

    fn origin_of_mapping(&mut self) -> Option<Origin> {
        match self.option("origin") {
            None => Some(Origin::new("ldap")),
            Some(_) => self.value("origin", &Of::All).map(Origin::new),
        }
    }

    fn client(&mut self, add: bool) {
        let Some(id) = self.client_id() else { return };
        let of = Of::Client(id.clone());
        self.gathered.client(&id, &self.at);
        for field in ClientField::NAMED {
            let name = field.name();
            let Some(text) = self.value(&name, &of) else { continue };
            match value(&field, &text) {
                Some(value) => {
                    self.gathered.client(&id, &self.at).fields.insert(field, value);
                }
                None => self.note(of.clone(), format!("--{name} holds no value that the field takes")),
            }
        }
        for (option, text) in [
            (
                "clone",
                "--clone: the other client's fields are not known here; write them, or use a YAML anchor",
            ),
            ("del_attrs", "--del_attrs: write the keys to clear as empty, such as `redirect_uri: []`"),
            ("jwks", "--jwks is not managed"),
            ("jwks_uri", "--jwks_uri is not managed"),
        ] {
            if self.option(option).is_some() {
                self.note(of.clone(), text);
            }
        }
        if add {
            self.client_secret(&id);
        }
    }

    fn client_secret(&mut self, id: &ClientId) {
        let grants = self.gathered.client(id, &self.at).fields.get(&ClientField::AuthorizedGrantTypes);
        let implicit = matches!(grants, Some(ClientValue::Set(grants)) if grants.iter().all(|grant| grant == "implicit"));
        match self.option("secret") {
            Some(Word { text, unknown: None }) if text.is_empty() => {
                self.gathered.client(id, &self.at).secret = Some(ClientSecret::Empty);
            }
            None if implicit => {}
            _ => {
                let secret = self.secret("secret");
                self.gathered.client_secret(id, secret, &self.at);
            }
        }
    }

    fn secret_set(&mut self) {
        if let Some(id) = self.client_id() {
            self.client_secret(&id);
        }
    }
}

/// Takes the text of an option as the field's value.
fn value(field: &ClientField, text: &str) -> Option<ClientValue> {
    Some(match field.kind() {
        ClientFieldKind::Text => ClientValue::Text(text.to_owned()),
        ClientFieldKind::Seconds => ClientValue::Number(text.trim().parse().ok()?),
        ClientFieldKind::Flag => match text {
            "true" => ClientValue::Flag(true),
            "false" => ClientValue::Flag(false),
            _ => return None,
        },
        ClientFieldKind::Approvals if text == "true" => ClientValue::All,
        ClientFieldKind::Set | ClientFieldKind::Approvals => {
            ClientValue::Set(list(text).into_iter().collect())
        }
        ClientFieldKind::Secret | ClientFieldKind::Any => return None,
    })
}
