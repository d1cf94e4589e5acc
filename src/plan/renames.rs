//! Renames: the manifest, with each user who has its old name still called by it.
//!
//! Decides §4's four cases. From here on everything about such a user is said of the account that is there, by the name
//! that it has there; that it gets another name is one field of it. So memberships are judged on the account's own rows.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::Objection;
use super::world::World;
use crate::desired::{Desired, DesiredUser, Said};
use crate::model::{Member, UserKey, Username};

/// A manifest in the server's present names.
pub(super) struct Renamed<'a> {
    pub(super) desired: Cow<'a, Desired>,
    /// The new name of each user who gets one, by the present name.
    pub(super) names: BTreeMap<UserKey, Said<Username>>,
    /// Users who have their new name already.
    pub(super) settled: Vec<UserKey>,
    /// Users of whom both names are taken.
    pub(super) objections: Vec<Objection>,
}

/// Looks each user with a former name up.
pub(super) fn by_present_name<'a>(desired: &'a Desired, world: &World<'_>) -> Renamed<'a> {
    let mut renamed = Renamed {
        desired: Cow::Borrowed(desired),
        names: BTreeMap::new(),
        settled: Vec::new(),
        objections: Vec::new(),
    };
    for user in desired.users.values() {
        let Some(said) = &user.previously else { continue };
        let former = UserKey::new(user.key.origin.clone(), said.value.clone());
        match (world.user(&former), world.user(&user.key)) {
            (Some(former), None) => {
                let new = Said { value: user.key.username.clone(), because: said.because.clone() };
                call(renamed.desired.to_mut(), user, &former.key);
                renamed.names.insert(former.key.clone(), new);
            }
            (None, Some(_)) => renamed.settled.push(user.key.clone()),
            (Some(former), Some(now)) => renamed.objections.push(Objection {
                because: said.because.clone(),
                message: format!(
                    "user `{}` cannot be renamed to `{}`: the server has both ({} and {})",
                    former.key, now.key, former.id, now.id
                ),
                hint: Some(
                    "one account cannot become two: remove `previously`, and write an entry with `state: absent` for \
                     the old one if it is to go"
                        .to_owned(),
                ),
            }),
            (None, None) => {}
        }
    }
    renamed
}

/// Calls a user by another name, wherever the manifest speaks about it.
fn call(desired: &mut Desired, user: &DesiredUser, name: &UserKey) {
    if let Some(mut entry) = desired.users.remove(&user.key) {
        entry.key = name.clone();
        desired.users.insert(name.clone(), entry);
    }
    for wishes in desired.memberships.values_mut() {
        if let Some(wish) = wishes.remove(&Member::User(user.key.clone())) {
            wishes.insert(Member::User(name.clone()), wish);
        }
    }
}
