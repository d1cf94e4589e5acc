//! What shall not exist, and what was called otherwise: contradictions with everything else that is said.

use super::decode::At;
use super::problem::{Draft, Mark, quote};
use super::resolve::Resolver;
use crate::desired::{Said, WishState};
use crate::model::{Member, Origin, UserKey, Username};

impl Resolver<'_> {
    /// Takes in the name that a user had before.
    pub(super) fn previously(
        &mut self,
        key: &UserKey,
        shown: &str,
        at: At<String>,
    ) -> Option<Said<Username>> {
        if !key.origin.is_uaa() {
            self.drafts.add(
                Draft::error(
                    "previously-not-used",
                    format!("{shown} of origin {} has `previously`", quote(key.origin.as_str())),
                )
                .at(at.key)
                .label("only users of origin uaa are renamed")
                .help("the identity provider renames its users itself: remove `previously`"),
            );
            return None;
        }
        let former = UserKey::new(Origin::uaa(), Username::new(at.value.clone()));
        if former == *key {
            self.drafts.add(
                Draft::error("renamed-to-itself", format!("{shown} has its own name as `previously`"))
                    .at(at.mark)
                    .label("the same name; usernames are compared ignoring case")
                    .help("remove `previously`"),
            );
            return None;
        }
        if let Some((other, first)) = self.former.get(&former) {
            self.drafts.add(
                Draft::error(
                    "renamed-twice",
                    format!("two users have {} as `previously`", quote(former.username.as_str())),
                )
                .at(at.mark)
                .label("the second user")
                .also(*first, format!("{} is the first", quote(other.username.as_str())))
                .help("one account cannot become two: remove one of the two lines"),
            );
            return None;
        }
        self.former.insert(former.clone(), (key.clone(), at.mark));
        self.said(Some(At { value: former.username, mark: at.mark, key: at.key }))
    }

    /// Reports what is said of users and groups that shall not exist, and of users by a name that they had before.
    pub(super) fn contradictions(&mut self) {
        let mut found = Vec::new();
        for statement in &self.statements {
            if let Member::User(user) = &statement.member
                && let Some((now, mark)) = self.former.get(user)
            {
                found.push(renamed(user, now, statement.mark, *mark));
            }
            if statement.state == WishState::Absent {
                continue;
            }
            let group = self.absent_groups.get(&statement.group);
            let (who, member) = match &statement.member {
                Member::User(user) => (user.username.as_str(), self.absent_users.get(user)),
                Member::Group(name) => (name.as_str(), self.absent_groups.get(name)),
            };
            let absent = [(statement.group.as_str(), group, "group"), (who, member, "member")];
            for (name, mark, what) in absent {
                let Some(mark) = mark else { continue };
                let message = match what {
                    "group" => format!("the group {} shall be absent, and it is given a member", quote(name)),
                    _ => format!(
                        "{} shall be absent, and it is put into the group {}",
                        quote(name),
                        quote(statement.group.as_str())
                    ),
                };
                found.push(
                    Draft::error("absent-and-used", message)
                        .at(statement.mark)
                        .label(format!("{} puts it in", statement.says))
                        .also(*mark, "here it is to be removed")
                        .help("remove one of the two"),
                );
            }
        }
        for (former, (now, mark)) in &self.former {
            if let Some(entry) = self.user_marks.get(former) {
                found.push(renamed(former, now, *entry, *mark));
            }
        }
        for draft in found {
            self.drafts.add(draft);
        }
    }
}

fn renamed(former: &UserKey, now: &UserKey, at: Mark, said: Mark) -> Draft {
    let (former, now) = (quote(former.username.as_str()), quote(now.username.as_str()));
    Draft::error("former-name", format!("{former} is named here, and it is to be renamed to {now}"))
        .at(at)
        .label("the name that it had before")
        .also(said, format!("{now} has it as `previously`"))
        .help(format!("write {now} here, or remove `previously`"))
}
