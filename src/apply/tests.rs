//! The barrier as stories: a plan, what the server refuses, what becomes of each change.

use std::cell::RefCell;
use std::collections::BTreeMap;

use futures_util::FutureExt;
use proptest::prelude::*;

use super::*;
use crate::desired::Because;
use crate::model::{ClientId, GroupName, Member, Membership, Origin, UserKey, Username};
use crate::plan::{Action, Expects, Kind, Object, Phase};

/// A plan under construction, written as an admin would say it.
#[derive(Default)]
struct Given {
    changes: Vec<Change>,
    settle: Vec<Change>,
}

impl Given {
    fn create_user(self, name: &str) -> Self {
        self.change(
            Phase::Create,
            Action::CreateUser,
            Kind::User,
            Object::from(&user(name)),
            name.to_owned(),
            &[],
        )
    }

    fn grant(self, group: &str, name: &str, needs: &[u32]) -> Self {
        self.member(Phase::Grant, Action::AddMember, group, name, needs)
    }

    fn revoke(self, group: &str, name: &str) -> Self {
        self.member(Phase::Revoke, Action::RemoveMember, group, name, &[])
    }

    fn implied_revoke(mut self, group: &str, name: &str) -> Self {
        self = self.revoke(group, name);
        if let Some(change) = self.changes.last_mut() {
            change.implied = true;
        }
        self
    }

    fn member(self, phase: Phase, action: Action, group: &str, name: &str, needs: &[u32]) -> Self {
        let membership = Membership { group: GroupName::new(group), member: Member::User(user(name)) };
        self.change(phase, action, Kind::Member, Object::from(&membership), format!("{group}/{name}"), needs)
    }

    fn change(
        mut self,
        phase: Phase,
        action: Action,
        kind: Kind,
        object: Object,
        key: String,
        needs: &[u32],
    ) -> Self {
        let id = u32::try_from(self.changes.len()).expect("a test's plan is short");
        self.changes.push(Change {
            id,
            phase,
            action,
            kind,
            key,
            object,
            fields: Vec::new(),
            needs: needs.to_vec(),
            because: Because { file: "pks.yml".to_owned(), line: 1 },
            implied: false,
            expects: Expects::ABSENT,
            risks: Vec::new(),
            notes: Vec::new(),
        });
        self
    }

    fn update_client(self, phase: Phase, name: &str) -> Self {
        let object = Object::Client { client_id: ClientId::new(name) };
        self.change(phase, Action::UpdateClient, Kind::Client, object, name.to_owned(), &[])
    }

    fn set_secret(self, phase: Phase, name: &str) -> Self {
        let object = Object::Client { client_id: ClientId::new(name) };
        let key = format!("secret of {name}");
        self.change(phase, Action::SetClientSecret, Kind::Client, object, key, &[])
    }

    /// A client's secret that is settled after the plan's changes.
    fn settle(self, name: &str) -> Self {
        self.settle_in(Phase::Revoke, name)
    }

    fn settle_in(mut self, phase: Phase, name: &str) -> Self {
        self = self.set_secret(phase, name);
        self.settle.extend(self.changes.pop().map(|change| Change { id: change.id + 100, ..change }));
        self
    }

    /// Carries the plan out at a server that answers these keys with these errors.
    fn run(self, failing: &[(&str, WriteErrorKind)]) -> Vec<(String, Outcome)> {
        self.run_until(failing, usize::MAX).0
    }

    /// The same at a server that does not answer anything else either.
    fn run_at_a_broken_server(self, failing: &[(&str, WriteErrorKind)]) -> Vec<(String, Outcome)> {
        self.run_at(failing, usize::MAX, false).0
    }

    /// The same, interrupted after so many changes were begun; returns also the order in which writes were sent.
    fn run_until(
        self,
        failing: &[(&str, WriteErrorKind)],
        begun: usize,
    ) -> (Vec<(String, Outcome)>, Vec<u32>) {
        self.run_at(failing, begun, true)
    }

    fn run_at(
        self,
        failing: &[(&str, WriteErrorKind)],
        begun: usize,
        answers: bool,
    ) -> (Vec<(String, Outcome)>, Vec<u32>) {
        let (interrupt, stop) = watch::channel(Interrupt::None);
        let failing = failing.iter().map(|&(key, kind)| (key.to_owned(), kind)).collect();
        let server = Scripted { failing, sent: RefCell::default(), interrupt, begun, answers };
        let outcomes = carry_out(&self.changes, &self.settle, &server, 4, &Silent, &stop)
            .now_or_never()
            .expect("the scripted server answers at once");
        let all = self.changes.iter().chain(&self.settle);
        let told = all.map(|change| (change.key.clone(), outcomes[&change.id].0)).collect();
        (told, server.sent.into_inner())
    }
}

fn user(name: &str) -> UserKey {
    UserKey::new(Origin::uaa(), Username::new(name))
}

struct Scripted {
    failing: BTreeMap<String, WriteErrorKind>,
    sent: RefCell<Vec<u32>>,
    interrupt: watch::Sender<Interrupt>,
    begun: usize,
    /// Whether it answers a look at something else.
    answers: bool,
}

impl Hands for Scripted {
    async fn answers(&self) -> Result<(), WriteError> {
        match self.answers {
            true => Ok(()),
            false => Err(WriteError { kind: WriteErrorKind::Faulty, message: "scripted".to_owned() }),
        }
    }

    async fn make(&self, change: &Change) -> Result<Written, WriteError> {
        self.sent.borrow_mut().push(change.id);
        if self.sent.borrow().len() >= self.begun {
            self.interrupt.send_replace(Interrupt::Finish);
        }
        match self.failing.get(&change.key) {
            None => Ok(Written::Done),
            Some(&kind) => Err(WriteError { kind, message: "scripted".to_owned() }),
        }
    }
}

struct Silent;

impl Progress for Silent {
    fn started(&self, _: &Change, _: &[&Change]) -> Result<(), String> {
        Ok(())
    }
    fn finished(&self, _: &Change, _: Outcome, _: Option<&str>) -> Result<(), String> {
        Ok(())
    }
}

fn outcomes(told: &[(String, Outcome)]) -> Vec<Outcome> {
    told.iter().map(|&(_, outcome)| outcome).collect()
}

#[test]
fn when_the_new_access_cannot_be_given_the_old_is_not_taken() {
    let told = Given::default()
        .grant("pks.clusters.manage", "alana", &[])
        .revoke("pks.clusters.admin", "alana")
        .run(&[("pks.clusters.manage/alana", WriteErrorKind::Refused)]);
    assert_eq!(outcomes(&told), [Outcome::Failed, Outcome::Held]);
}

#[test]
fn an_offboarding_goes_on_although_somebody_elses_entry_fails() {
    let told = Given::default()
        .grant("team.a", "alana", &[])
        .revoke("pks.clusters.admin", "mallory")
        .implied_revoke("team.b", "bob")
        .run(&[("team.a/alana", WriteErrorKind::Refused)]);
    assert_eq!(outcomes(&told), [Outcome::Failed, Outcome::Done, Outcome::Held]);
}

#[test]
fn an_offboarding_goes_on_although_an_entry_in_the_same_group_fails() {
    let told = Given::default()
        .grant("pks.clusters.admin", "alana", &[])
        .revoke("pks.clusters.admin", "mallory")
        .implied_revoke("pks.clusters.admin", "bob")
        .revoke("pks.clusters.admin", "alana")
        .run(&[("pks.clusters.admin/alana", WriteErrorKind::Refused)]);
    assert_eq!(outcomes(&told), [Outcome::Failed, Outcome::Done, Outcome::Held, Outcome::Held]);
}

#[test]
fn a_user_that_could_not_be_created_is_given_nothing() {
    let told = Given::default()
        .create_user("alana")
        .grant("team.a", "alana", &[0])
        .grant("team.a", "bob", &[])
        .run(&[("alana", WriteErrorKind::Refused)]);
    assert_eq!(outcomes(&told), [Outcome::Failed, Outcome::Held, Outcome::Done]);
}

#[test]
fn drift_holds_what_a_failed_give_would_hold() {
    let told = Given::default()
        .grant("team.a", "alana", &[])
        .revoke("team.b", "alana")
        .run(&[("team.a/alana", WriteErrorKind::Drifted)]);
    assert_eq!(outcomes(&told), [Outcome::Drifted, Outcome::Held]);
}

#[test]
fn when_uaa_is_gone_nothing_more_is_tried() {
    let told = Given::default()
        .create_user("alana")
        .grant("team.a", "bob", &[])
        .revoke("team.b", "carl")
        .run(&[("alana", WriteErrorKind::Systemic)]);
    assert_eq!(outcomes(&told), [Outcome::Failed, Outcome::Held, Outcome::Held]);
}

#[test]
fn secrets_are_settled_last_and_not_where_the_client_could_not_be_given_what_is_new() {
    let (told, sent) = Given::default()
        .settle("ci")
        .update_client(Phase::Grant, "web")
        .settle("web")
        .update_client(Phase::Own, "admin")
        .run_until(&[("web", WriteErrorKind::Refused)], usize::MAX);
    assert_eq!(outcomes(&told), [Outcome::Failed, Outcome::Done, Outcome::Done, Outcome::Held]);
    assert_eq!(sent, [0, 1, 100]);
}

#[test]
fn a_secret_is_settled_before_its_client_gains_something_and_else_the_client_gains_nothing() {
    let given = || {
        Given::default()
            .update_client(Phase::Grant, "ci")
            .update_client(Phase::Grant, "web")
            .settle_in(Phase::Grant, "web")
    };
    let (told, sent) = given().run_until(&[], usize::MAX);
    assert_eq!(outcomes(&told), [Outcome::Done; 3]);
    assert_eq!(sent, [102, 0, 1]);
    let (told, sent) = given().run_until(&[("secret of web", WriteErrorKind::Refused)], usize::MAX);
    assert_eq!(outcomes(&told), [Outcome::Done, Outcome::Held, Outcome::Failed]);
    assert_eq!(sent, [102, 0]);
}

#[test]
fn two_changes_of_one_client_are_never_under_way_together() {
    for phase in [Phase::Update, Phase::Grant, Phase::Revoke] {
        let given =
            Given::default().set_secret(phase, "web").update_client(phase, "ci").update_client(phase, "web");
        let stages: Vec<Vec<u32>> = stages::stages(&given.changes, &[])
            .iter()
            .map(|stage| stage.iter().map(|change| change.id).collect())
            .collect();
        assert_eq!(stages, [vec![0, 1], vec![2], vec![]]);
    }
}

#[test]
fn a_settled_secret_is_in_the_report_only_when_it_was_not_so_already() {
    let settle = Given::default().settle("ci").settle("web").settle("old").settle;
    let settle: Vec<Change> = (0..).zip(settle).map(|(id, change)| Change { id, ..change }).collect();
    let outcomes = [Outcome::AlreadySo, Outcome::Done, Outcome::Held];
    let outcomes: Outcomes = (0..).zip(outcomes).map(|(id, outcome)| (id, (outcome, None))).collect();
    let plan = crate::render::samples::grants(0);
    let told: Vec<(String, Outcome)> = report(&plan, &settle, &outcomes)
        .changes
        .into_iter()
        .map(|applied| (applied.change.key, applied.outcome))
        .collect();
    assert_eq!(
        told,
        [("secret of web".to_owned(), Outcome::Done), ("secret of old".to_owned(), Outcome::Held)]
    );
}

#[test]
fn an_entry_that_uaa_stumbles_over_holds_nobody_elses_offboarding() {
    for (kind, outcome) in
        [(WriteErrorKind::Faulty, Outcome::Failed), (WriteErrorKind::Unsettled, Outcome::Unknown)]
    {
        let plan = || {
            Given::default()
                .create_user("poison")
                .grant("team.a", "poison", &[0])
                .revoke("team.b", "poison")
                .revoke("team.b", "mallory")
                .implied_revoke("team.c", "bob")
        };
        let told = plan().run(&[("poison", kind)]);
        assert_eq!(outcomes(&told), [outcome, Outcome::Held, Outcome::Held, Outcome::Done, Outcome::Held]);
        let told = plan().run_at_a_broken_server(&[("poison", kind)]);
        assert_eq!(outcomes(&told), [outcome, Outcome::Held, Outcome::Held, Outcome::Held, Outcome::Held]);
    }
}

#[test]
fn an_answer_that_never_came_counts_as_a_failed_give() {
    let told = Given::default()
        .grant("team.a", "alana", &[])
        .implied_revoke("team.b", "bob")
        .run(&[("team.a/alana", WriteErrorKind::Unknown)]);
    assert_eq!(outcomes(&told), [Outcome::Unknown, Outcome::Held]);
}

#[test]
fn ctrl_c_starts_nothing_new_and_takes_nothing() {
    let (told, sent) = Given::default()
        .create_user("alana")
        .grant("team.a", "bob", &[])
        .revoke("team.b", "bob")
        .run_until(&[], 1);
    assert_eq!(outcomes(&told), [Outcome::Done, Outcome::NotTried, Outcome::NotTried]);
    assert_eq!(sent, [0]);
}

/// Any small plan of gives and takes, in plan order.
fn plans() -> impl Strategy<Value = Vec<(bool, u8, u8, bool)>> {
    prop::collection::vec((any::<bool>(), 0u8..3, 0u8..3, any::<bool>()), 0..12)
}

fn kinds() -> impl Strategy<Value = WriteErrorKind> {
    prop::sample::select(vec![
        WriteErrorKind::Refused,
        WriteErrorKind::Faulty,
        WriteErrorKind::Systemic,
        WriteErrorKind::Drifted,
        WriteErrorKind::Unsettled,
        WriteErrorKind::Unknown,
    ])
}

proptest! {
    /// Whatever fails, and whenever the run is interrupted: whoever did not get what they were to get lost nothing.
    #[test]
    fn nobody_loses_before_they_got(
        steps in plans(),
        failing in prop::collection::btree_map((0u8..3, 0u8..3), kinds(), 0..4),
        begun in 1usize..14,
    ) {
        let mut given = Given::default();
        let (gives, takes): (Vec<_>, Vec<_>) = steps.into_iter().partition(|step| step.0);
        for (_, group, name, _) in gives {
            given = given.grant(&format!("give.{group}"), &format!("u{name}"), &[]);
        }
        for (_, group, name, implied) in takes {
            let (group, name) = (format!("take.{group}"), format!("u{name}"));
            given = if implied { given.implied_revoke(&group, &name) } else { given.revoke(&group, &name) };
        }
        let changes = given.changes.clone();
        let failing: Vec<_> = failing.into_iter().map(|((g, u), kind)| (format!("give.{g}/u{u}"), kind)).collect();
        let failing: Vec<_> = failing.iter().map(|(key, kind)| (key.as_str(), *kind)).collect();
        let (told, sent) = given.run_until(&failing, begun);

        let lacking: Vec<&str> = changes.iter().zip(&told)
            .filter(|(change, (_, outcome))| change.phase == Phase::Grant && *outcome != Outcome::Done)
            .filter_map(|(change, _)| change.key.split('/').nth(1))
            .collect();
        for (change, (_, outcome)) in changes.iter().zip(&told) {
            if change.phase == Phase::Revoke && *outcome == Outcome::Done {
                let name = change.key.split('/').nth(1).unwrap_or_default();
                prop_assert!(!lacking.contains(&name), "{name} lost something and did not get something");
                prop_assert!(!change.implied || lacking.is_empty(), "an implied removal after a failed give");
            }
        }
        // And the order on the wire: no take before the last give.
        let first_take = sent.iter().position(|&id| changes[id as usize].phase == Phase::Revoke);
        let last_give = sent.iter().rposition(|&id| changes[id as usize].phase == Phase::Grant);
        if let (Some(take), Some(give)) = (first_take, last_give) {
            prop_assert!(give < take);
        }
    }
}
