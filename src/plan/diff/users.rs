//! Users: what is written when one is created, and which of its fields differ later.

use std::collections::BTreeMap;

use super::{Diff, Draft};
use crate::desired::{Because, Desired, DesiredUser, Said, SecretSource};
use crate::model::{UserKey, Username};
use crate::observed::ObservedUser;
use crate::plan::world::World;
use crate::plan::{
    Action, BlindSpot, BlindSpotWhat, Expects, FieldChange, FieldValue, KeptWhy, Kind, Object, Phase,
};

/// A field of a user that a manifest can manage, by its name there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plan) enum UserField {
    Username,
    Email,
    GivenName,
    FamilyName,
    Phone,
    ExternalId,
    Active,
    Verified,
}

/// Whether a change of a field gives, takes, or does neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plan) enum Direction {
    Neither,
    Gives,
    Takes,
}

impl Direction {
    pub(in crate::plan) const ALL: [Self; 3] = [Self::Neither, Self::Gives, Self::Takes];

    pub(super) fn phase(self) -> Phase {
        match self {
            Self::Neither => Phase::Update,
            Self::Gives => Phase::Grant,
            Self::Takes => Phase::Revoke,
        }
    }
}

impl UserField {
    pub(in crate::plan) const ALL: [Self; 8] = [
        Self::Username,
        Self::Email,
        Self::GivenName,
        Self::FamilyName,
        Self::Phone,
        Self::ExternalId,
        Self::Active,
        Self::Verified,
    ];

    pub(in crate::plan) fn name(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::Email => "email",
            Self::GivenName => "given_name",
            Self::FamilyName => "family_name",
            Self::Phone => "phone",
            Self::ExternalId => "external_id",
            Self::Active => "active",
            Self::Verified => "verified",
        }
    }

    pub(in crate::plan) fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }

    /// The one table from field to direction.
    ///
    /// A new username or e-mail address ends the user's sessions (UAA hashes both into every token, facts §1.4). UAA refuses
    /// logins of unverified accounts, so `verified` lets in as `active` does.
    pub(in crate::plan) fn direction(self, after: &FieldValue) -> Direction {
        match self {
            Self::GivenName | Self::FamilyName | Self::Phone | Self::ExternalId => Direction::Neither,
            Self::Username | Self::Email => Direction::Takes,
            Self::Active | Self::Verified => match after {
                FieldValue::Flag(true) => Direction::Gives,
                _ => Direction::Takes,
            },
        }
    }

    /// What each login of a user of another origin rewrites from the identity provider.
    pub(in crate::plan) fn is_profile(self) -> bool {
        match self {
            Self::Email
            | Self::GivenName
            | Self::FamilyName
            | Self::Phone
            | Self::ExternalId
            | Self::Verified => true,
            Self::Username | Self::Active => false,
        }
    }

    /// What the entry wants; `None`: not managed. That it gets another name, a rename says.
    fn wanted(self, user: &DesiredUser) -> Option<(FieldValue, &Because)> {
        // Destructured so that a new field cannot be forgotten here.
        let DesiredUser {
            key: _,
            because: _,
            email,
            given_name,
            family_name,
            phone,
            external_id,
            active,
            verified,
            password: _,
            previously: _,
            origin_because: _,
        } = user;
        match self {
            Self::Username => None,
            Self::Email => email.as_ref().map(|said| self.text(said)),
            Self::GivenName => given_name.as_ref().map(|said| self.text(said)),
            Self::FamilyName => family_name.as_ref().map(|said| self.text(said)),
            Self::Phone => phone.as_ref().map(|said| self.text(said)),
            Self::ExternalId => external_id.as_ref().map(|said| self.text(said)),
            Self::Active => active.as_ref().map(|said| (FieldValue::Flag(said.value), &said.because)),
            Self::Verified => verified.as_ref().map(|said| (FieldValue::Flag(said.value), &said.because)),
        }
    }

    fn text(self, said: &Said<String>) -> (FieldValue, &Because) {
        (FieldValue::Text(self.normal(&said.value).to_owned()), &said.because)
    }

    /// What the server has.
    pub(in crate::plan) fn held(self, user: &ObservedUser) -> FieldValue {
        let ObservedUser { id: _, key, email, given_name, family_name, phone, external_id, active, verified } =
            user;
        match self {
            Self::Username => FieldValue::Text(key.username.as_str().to_owned()),
            Self::Email => FieldValue::Text(self.normal(email).to_owned()),
            Self::GivenName => FieldValue::Text(self.normal(given_name).to_owned()),
            Self::FamilyName => FieldValue::Text(self.normal(family_name).to_owned()),
            Self::Phone => FieldValue::Text(self.normal(phone).to_owned()),
            Self::ExternalId => FieldValue::Text(self.normal(external_id).to_owned()),
            Self::Active => FieldValue::Flag(*active),
            Self::Verified => FieldValue::Flag(*verified),
        }
    }

    /// Takes texts as UAA stores them: it drops a blank phone number or external id, and folds no case (facts §2.1).
    fn normal(self, text: &str) -> &str {
        match self {
            Self::Phone | Self::ExternalId if text.trim().is_empty() => "",
            Self::Username
            | Self::Email
            | Self::GivenName
            | Self::FamilyName
            | Self::Phone
            | Self::ExternalId
            | Self::Active
            | Self::Verified => text,
        }
    }
}

/// Plans the creation of users that are missing, and changes of those that exist; `names` are new ones, by the present
/// name.
pub(super) fn diff(
    desired: &Desired,
    names: &BTreeMap<UserKey, Said<Username>>,
    world: &World<'_>,
    diff: &mut Diff,
) {
    let mut passwords = BTreeMap::new();
    for user in desired.users.values() {
        match world.user(&user.key) {
            None => create(user, diff),
            Some(observed) => {
                if observed.key.username.as_str() != user.key.username.as_str() {
                    diff.keep(KeptWhy::Spelling, Kind::User, observed.key.to_string());
                }
                update(user, names.get(&user.key), observed, diff);
                if let Some(password) = &user.password {
                    passwords.insert(user.key.to_string(), shown(&password.value));
                }
            }
        }
    }
    if !passwords.is_empty() {
        diff.blind_spots.push(BlindSpot {
            what: BlindSpotWhat::Password,
            items: passwords.keys().cloned().collect(),
            values: passwords,
            why: "UAA never tells passwords, and those in the manifest are initial ones: they are used when a user \
                  is created, never afterwards"
                .to_owned(),
        });
    }
}

fn create(user: &DesiredUser, diff: &mut Diff) {
    let mut fields = Vec::new();
    let mut write = |name: &str, after: FieldValue| {
        fields.push(FieldChange { name: name.to_owned(), before: FieldValue::None, after });
    };
    for field in UserField::ALL {
        let after = match field.wanted(user) {
            Some((after, _)) => after,
            // UAA needs an address; that an e-mail username serves is said in the manifest's reference.
            None if field == UserField::Email => FieldValue::Text(user.key.username.as_str().to_owned()),
            None => continue,
        };
        if after != FieldValue::Text(String::new()) {
            write(field.name(), after);
        }
    }
    // UAA stores no password for users of other origins.
    if let (Some(password), true) = (&user.password, user.key.origin.is_uaa()) {
        write("password", shown(&password.value));
    }
    let id = diff.add(Draft {
        phase: Phase::Create,
        action: Action::CreateUser,
        kind: Kind::User,
        key: user.key.to_string(),
        object: Object::from(&user.key),
        fields,
        needs: Vec::new(),
        because: &user.because,
        implied: false,
        expects: Expects::ABSENT,
    });
    diff.creates_user.insert(user.key.clone(), id);
}

/// Plans one change for each direction in which fields differ: giving comes before taking, in a phase of its own.
fn update(user: &DesiredUser, rename: Option<&Said<Username>>, observed: &ObservedUser, diff: &mut Diff) {
    for direction in Direction::ALL {
        let mut fields = Vec::new();
        let mut places = Vec::new();
        for field in UserField::ALL {
            let wanted = match (field, rename) {
                (UserField::Username, Some(said)) => {
                    Some((FieldValue::Text(said.value.as_str().to_owned()), &said.because))
                }
                _ => field.wanted(user),
            };
            let Some((after, because)) = wanted else { continue };
            let before = field.held(observed);
            if after == before || field.direction(&after) != direction {
                continue;
            }
            if field.is_profile() && !user.key.origin.is_uaa() {
                diff.keep(KeptWhy::Profile, Kind::User, user.key.to_string());
                continue;
            }
            fields.push(FieldChange { name: field.name().to_owned(), before, after });
            places.push(because);
        }
        let Some(because) = places.into_iter().min() else { continue };
        let before = fields.iter().map(|field| (field.name.clone(), field.before.clone())).collect();
        diff.add(Draft {
            phase: direction.phase(),
            action: Action::UpdateUser,
            kind: Kind::User,
            key: user.key.to_string(),
            object: Object::from(&user.key),
            fields,
            // Each change has fields of its own: a refused phone number must not hold a suspension.
            needs: Vec::new(),
            because,
            implied: false,
            expects: Expects::State { id: observed.id.clone(), fields: before },
        });
    }
}

/// Shows where a secret comes from, never what it is.
pub(super) fn shown(source: &SecretSource) -> FieldValue {
    match source {
        SecretSource::Literal => FieldValue::redacted(),
        SecretSource::Empty => FieldValue::Text(String::new()),
        SecretSource::Variable(name) => FieldValue::Variable { variable: name.clone() },
    }
}

/// Returns the values that expectations of a user are judged by: every field that a manifest can manage, by its name.
#[must_use]
pub fn user_fields(user: &ObservedUser) -> BTreeMap<String, FieldValue> {
    UserField::ALL.into_iter().map(|field| (field.name().to_owned(), field.held(user))).collect()
}

/// Returns the user that a change is about.
pub(in crate::plan) fn user_of(object: &Object) -> Option<UserKey> {
    match object {
        Object::User { origin, username } | Object::Member { origin, username, .. } => {
            Some(UserKey::new(origin.clone(), username.clone()))
        }
        Object::NestedGroup { .. }
        | Object::ExternalGroup { .. }
        | Object::Group { .. }
        | Object::Client { .. } => None,
    }
}
