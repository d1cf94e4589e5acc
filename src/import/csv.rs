//! A CSV list of users, with a header.
//!
//! Decides which column is which key of a manifest, by names as people and directories write them.

use super::Source;
use super::gather::{At, Gathered, Of, Secret};
use crate::error::Error;
use crate::model::{GroupName, Member, Origin, UserKey, Username};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Username,
    Origin,
    Email,
    GivenName,
    FamilyName,
    Phone,
    ExternalId,
    Active,
    Verified,
    Password,
    ClusterAccess,
    Groups,
}

/// Names of columns, without case and signs.
const COLUMNS: [(Column, &[&str]); 12] = [
    (Column::Username, &["username", "user", "login", "userid", "account", "uid"]),
    (Column::Origin, &["origin", "idp", "identityprovider", "provider"]),
    (Column::Email, &["email", "emails", "mail", "emailaddress"]),
    (Column::GivenName, &["givenname", "given", "firstname", "first"]),
    (Column::FamilyName, &["familyname", "family", "lastname", "last", "surname", "sn"]),
    (Column::Phone, &["phone", "phones", "phonenumber", "telephone", "mobile"]),
    (Column::ExternalId, &["externalid"]),
    (Column::Active, &["active", "enabled"]),
    (Column::Verified, &["verified"]),
    (Column::Password, &["password", "initialpassword"]),
    (Column::ClusterAccess, &["clusteraccess", "access"]),
    (Column::Groups, &["groups", "group", "scopes", "scope", "roles", "authorities"]),
];

impl Column {
    fn of(name: &str) -> Option<Self> {
        let plain: String = name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
        COLUMNS.into_iter().find(|(_, names)| names.contains(&plain.as_str())).map(|(column, _)| column)
    }
}

/// Reads a list.
pub(super) fn read(source: &Source, gathered: &mut Gathered) -> Result<(), Error> {
    let text = source.text.trim_start_matches('\u{feff}');
    let header = text.lines().next().unwrap_or_default();
    let delimiter = [b',', b';', b'\t']
        .into_iter()
        .max_by_key(|sign| (header.bytes().filter(|byte| byte == sign).count(), std::cmp::Reverse(*sign)));
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter.unwrap_or(b','))
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    // Not the error's own words: they may quote a field.
    let broken = |error: &csv::Error| {
        let line = error.position().map_or(1, csv::Position::line);
        Error::new(format!("{}:{line}: this is no CSV that can be read", source.name))
    };
    let headers = reader.headers().map_err(|error| broken(&error))?.clone();
    let columns: Vec<Option<Column>> = headers.iter().map(Column::of).collect();
    let at = |line: usize| At { file: source.name.clone(), line };
    if !columns.contains(&Some(Column::Username)) {
        return Err(Error::new(format!("{}:1: no column names the users", source.name))
            .hint("the first line holds the names of the columns: username, email, given_name, family_name, groups, …"));
    }
    for (name, column) in headers.iter().zip(&columns).filter(|(name, _)| !name.is_empty()) {
        if column.is_none() {
            gathered.note(
                Of::All,
                &at(1),
                format!("the column {} is no key of a manifest", crate::visible::quoted(name)),
            );
        }
    }
    for record in reader.records() {
        let record = record.map_err(|error| broken(&error))?;
        let line = record.position().map_or(0, csv::Position::line);
        let at = at(usize::try_from(line).unwrap_or(usize::MAX));
        let field = |wanted: Column| {
            let mut cells = columns.iter().zip(record.iter());
            cells
                .find(|(column, _)| **column == Some(wanted))
                .map(|(_, cell)| cell)
                .filter(|cell| !cell.is_empty())
        };
        if record.iter().all(str::is_empty) {
            continue;
        }
        let Some(username) = field(Column::Username) else {
            gathered.note(Of::All, &at, "this line names no user");
            continue;
        };
        if record.len() > headers.len() {
            gathered.note(Of::All, &at, "this line has more cells than the header; the rest is not read");
        }
        user(username, field, &at, gathered);
    }
    Ok(())
}

fn user<'r>(username: &str, field: impl Fn(Column) -> Option<&'r str>, at: &At, gathered: &mut Gathered) {
    let origin = field(Column::Origin).map_or_else(Origin::uaa, Origin::new);
    let key = UserKey::new(origin, Username::new(username));
    let of = Of::User(key.clone());
    let text = |column| field(column).map(str::to_owned);
    let user = gathered.user(&key, at);
    user.email = text(Column::Email).or(user.email.take());
    user.given_name = text(Column::GivenName).or(user.given_name.take());
    user.family_name = text(Column::FamilyName).or(user.family_name.take());
    user.phone = text(Column::Phone).or(user.phone.take());
    user.external_id = text(Column::ExternalId).or(user.external_id.take());
    let words = |column| {
        let words = field(column)
            .unwrap_or_default()
            .split(|c: char| c.is_whitespace() || matches!(c, ';' | ',' | '|'));
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let access = words(Column::ClusterAccess);
    if !access.is_empty() {
        user.cluster_access = access;
    }
    let groups = words(Column::Groups);
    for column in [Column::Active, Column::Verified] {
        let Some(word) = field(column) else { continue };
        let value = match word.to_lowercase().as_str() {
            "true" | "yes" | "y" | "1" | "active" | "enabled" | "x" => true,
            "false" | "no" | "n" | "0" | "inactive" | "disabled" => false,
            _ => {
                let text = format!("{} is neither yes nor no", crate::visible::quoted(word));
                gathered.note(of.clone(), at, text);
                continue;
            }
        };
        let user = gathered.user(&key, at);
        match column {
            Column::Active => user.active = Some(value),
            _ => user.verified = Some(value),
        }
    }
    match field(Column::Password) {
        Some(password) => gathered.password(&key, Secret::of(password), at),
        None if key.origin.is_uaa() => {
            gathered.password(&key, Secret::Missing, at);
        }
        None => {}
    }
    for group in groups {
        gathered.member(&GroupName::new(group), Member::User(key.clone()), true, at);
    }
}
