//! A review for a spreadsheet: a line for each way of each holder.
//!
//! A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula: such a text, which can be a username,
//! gets a `'` in front.

use std::collections::BTreeMap;

use crate::access::{Access, Holder, Way, Who};
use crate::model::GroupName;
use crate::moment::Moment;
use crate::visible::visible;

/// The columns.
const COLUMNS: [&str; 18] = [
    "scope",
    "kind",
    "origin",
    "name",
    "id",
    "person",
    "email",
    "active",
    "created",
    "last_logon",
    "previous_logon",
    "password_changed",
    "client_changed",
    "way",
    "path",
    "manifest",
    "because",
    "findings",
];

/// Returns a report's holders as CSV.
#[must_use]
pub fn access(access: &Access) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut about: BTreeMap<(&str, &GroupName), Vec<String>> = BTreeMap::new();
    for finding in &access.findings {
        for item in &finding.items {
            for scope in &item.scopes {
                about.entry((&item.key, scope)).or_default().push(word(&finding.what));
            }
        }
    }
    let rows = access.holders.iter().flat_map(|holder| {
        let about = about.get(&(holder.key().as_str(), &holder.scope)).map(|words| words.join(" "));
        let about = about.unwrap_or_default();
        holder.ways.iter().map(move |way| row(holder, way, about.clone()).map(|cell| inert(&cell)))
    });
    for row in std::iter::once(COLUMNS.map(str::to_owned)).chain(rows) {
        writer
            .write_record(row)
            .expect("a list of bytes takes all, and each line has the same columns: invariant");
    }
    let bytes = writer.into_inner().expect("a list of bytes takes all: invariant");
    String::from_utf8(bytes).expect("only texts were written: invariant")
}

fn row(holder: &Holder, way: &Way, about: String) -> [String; COLUMNS.len()] {
    let moment = |moment: Option<Moment>| moment.map(|moment| moment.to_string()).unwrap_or_default();
    let [mut origin, mut name, mut id, mut person, mut mail, mut active, mut changed] =
        <[String; 7]>::default();
    let mut times = None;
    match &holder.who {
        Who::Everyone => {}
        Who::User { user, id: guid, name: full, email, active: is, times: known } => {
            (origin, name) = (user.origin.to_string(), user.username.to_string());
            (id, person, mail) = (guid.to_string(), full.clone(), email.clone());
            active = is.map(|is| if is { "yes" } else { "no" }).unwrap_or_default().to_owned();
            times = known.clone();
        }
        Who::ExternalGroup { origin: of, external_group } => {
            (origin, name) = (of.to_string(), external_group.to_string());
        }
        Who::Client { client_id, unusable: _, changed: last } => {
            (name, changed) = (client_id.to_string(), moment(*last));
        }
        Who::Ghost { id: guid } => id = guid.to_string(),
    }
    let times = times.unwrap_or_default();
    let path: Vec<&str> = way.path.iter().map(|group| group.as_str()).collect();
    [
        holder.scope.to_string(),
        holder.who.kind().to_owned(),
        origin,
        name,
        id,
        person,
        mail,
        active,
        moment(times.created),
        moment(times.last_logon),
        moment(times.previous_logon),
        moment(times.password_changed),
        changed,
        way.how.word().to_owned(),
        path.join(" > "),
        way.manifest.map(|known| known.word().to_owned()).unwrap_or_default(),
        way.because.as_ref().map(|because| because.to_string()).unwrap_or_default(),
        about,
    ]
}

/// A value's word in JSON.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| Some(value.as_str()?.to_owned())).unwrap_or_default()
}

fn inert(cell: &str) -> String {
    // Where `;` separates lists (German, French, …) a spreadsheet cuts there, quoted or not.
    let cell = visible(cell).replace(';', "\\u{3b}");
    let starts = ['=', '+', '-', '@', '\'', '＝', '＋', '－', '＠'];
    if cell.starts_with(starts) { format!("'{cell}") } else { cell }
}
