//! `uaapply password` and `uaapply unlock`: one user of UAA's own store at a time.

use std::collections::BTreeMap;

use secrecy::SecretString;

use super::Stop;
use super::audit_log::{AuditLog, Writes, who};
use super::connection::{check_alone, connection};
use super::console::Console;
use super::new_secret::{Place, Source, get, place};
use crate::audit::{Act, AtOnce, Deed};
use crate::cli::{ConnectionArgs, PasswordArgs, UnlockArgs};
use crate::desired::Secrets;
use crate::error::{Error, Exit};
use crate::model::{Guid, Origin, UserKey, Username};
use crate::plan::{Expects, FieldChange, FieldValue, Kind, Object};
use crate::report::Outcome;
use crate::uaa::{self, Need, WriteError, WriteErrorKind, Writer, Written};

/// Runs `uaapply password`.
pub(super) async fn run(args: &PasswordArgs, console: &Console) -> Result<Exit, Stop> {
    let audit = AuditLog::open(&args.audit, None)?;
    audit.close(set(args, &audit, console).await, console)
}

async fn set(args: &PasswordArgs, audit: &AuditLog, console: &Console) -> Result<Exit, Stop> {
    check_alone(&args.connection, args.password_stdin)?;
    if args.connection.zone.as_deref().is_some_and(|zone| !zone.is_empty()) {
        return Err(Error::new(
            "UAA sets no passwords through --zone: the right to do so gets lost on the way",
        )
        .hint("give the zone's own address as --target, with a client of that zone, and leave --zone out")
        .into());
    }
    let place = match source(args) {
        Source::Generated(_) => place(args.out_file.as_deref(), args.print, "password")?,
        Source::File(_) | Source::Stdin | Source::Prompt => Place::Nowhere,
    };
    place.check()?;
    let user = UserKey::new(Origin::uaa(), Username::new(&*args.user));
    let password = get(&source(args), "--password", &format!("New password of {}", args.user))?;
    let mut needs = vec![Need::Read, Need::Passwords];
    if args.must_change {
        needs.push(Need::Unlock);
    }
    let Found { writer, id, writes } =
        find(&args.connection, &user, &needs, Some(&password), audit, console).await?;
    place.hand_over(&password, console)?;
    let deed = deed(AtOnce::SetPassword, &user, &id);
    let set = writes.at_once(deed, writer.set_password(&id, &password), |set| match set {
        Ok(Written::Done) => (Outcome::Done, None),
        Ok(Written::AlreadySo) => (Outcome::AlreadySo, None),
        Err(error) => outcome(error),
    });
    let set = match set.await.inspect_err(|_| place.take_back())? {
        Ok(set) => set,
        Err(error) => {
            let open = may_be_made(&error);
            let set = if open {
                "may be set or not; the same command with it again settles that"
            } else {
                "is not set"
            };
            if !open {
                place.take_back();
            }
            return stopped(failed(&format!("the password of {user} {set}"), error), open, console);
        }
    };
    if args.must_change {
        let what = format!("the password of {user} is set, but need not be changed at the next log-in");
        let deed = self::deed(AtOnce::RequirePasswordChange, &user, &id);
        let required = match writes.at_once(deed, writer.must_change_password(&id), made).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(failed(&what, error)),
            Err(error) => Some(error.hint(crate::visible::visible(&what))),
        };
        if let Some(error) = required {
            console.error(&error);
            return Ok(Exit::Partial);
        }
    }
    let next = if args.must_change { "; another has to be chosen at the next log-in" } else { "" };
    let name = crate::visible::visible(&user.to_string());
    match set {
        Written::Done => console.note(&format!("{name} has the new password{next}; sessions are ended.")),
        Written::AlreadySo => console.note(&format!("{name} has this password already{next}.")),
    }
    Ok(Exit::Done)
}

fn source(args: &PasswordArgs) -> Source<'_> {
    match &args.password_file {
        Some(path) => Source::File(path),
        None if args.password_stdin => Source::Stdin,
        None if args.generate => Source::Generated(args.length),
        None => Source::Prompt,
    }
}

/// Runs `uaapply unlock`.
pub(super) async fn unlock(args: &UnlockArgs, console: &Console) -> Result<Exit, Stop> {
    let audit = AuditLog::open(&args.audit, None)?;
    audit.close(take_lock_off(args, &audit, console).await, console)
}

async fn take_lock_off(args: &UnlockArgs, audit: &AuditLog, console: &Console) -> Result<Exit, Stop> {
    check_alone(&args.connection, false)?;
    let user = UserKey::new(Origin::new(&*args.origin), Username::new(&*args.user));
    let needs = [Need::Read, Need::Unlock];
    let Found { writer, id, writes } = find(&args.connection, &user, &needs, None, audit, console).await?;
    let deed = deed(AtOnce::UnlockUser, &user, &id);
    if let Err(error) = writes.at_once(deed, writer.unlock(&id), made).await? {
        let open = may_be_made(&error);
        let is = if open {
            "may be locked or not; the same command again settles that"
        } else {
            "is not unlocked"
        };
        return stopped(failed(&format!("{user} {is}"), error), open, console);
    }
    // Whether there was a lock UAA does not tell.
    console.note(&format!("{} is not locked now.", crate::visible::visible(&user.to_string())));
    Ok(Exit::Done)
}

/// A user at the server, and what it takes to write.
struct Found<'a> {
    writer: Writer,
    id: Guid,
    writes: Writes<'a>,
}

/// Logs in and finds the user.
async fn find<'a>(
    args: &ConnectionArgs,
    user: &UserKey,
    needs: &[Need],
    password: Option<&SecretString>,
    audit: &'a AuditLog,
    console: &Console,
) -> Result<Found<'a>, Stop> {
    let secrets = Secrets { others: password.into_iter().cloned().collect(), ..Secrets::default() };
    let connection = connection(args, &secrets, console).await?;
    let server = uaa::identify(&connection).await?;
    let who = who(&connection);
    let (reader, writer) = uaa::log_in_for(connection, server, needs).await?;
    let writes = audit.run(who, reader.server(), None)?;
    let id = writer.user_id(user).await.map_err(|error| match error.kind {
        WriteErrorKind::Refused => Error::new(error.message)
            .hint("names are compared without case; users of an identity provider have another --origin"),
        _ => failed(&format!("{user} cannot be looked up"), error),
    })?;
    Ok(Found { writer, id, writes })
}

/// What is written of one user, for the audit log.
fn deed(action: AtOnce, user: &UserKey, id: &Guid) -> Deed {
    let fields = match action {
        AtOnce::SetPassword => vec![FieldChange {
            name: "password".to_owned(),
            before: FieldValue::redacted(),
            after: FieldValue::redacted(),
        }],
        _ => Vec::new(),
    };
    Deed {
        action: Act::AtOnce(action),
        kind: Kind::User,
        key: user.to_string(),
        object: Object::from(user),
        fields,
        expects: Expects::State { id: id.clone(), fields: BTreeMap::new() },
        because: None,
    }
}

fn made(result: &Result<(), WriteError>) -> (Outcome, Option<&str>) {
    result.as_ref().err().map_or((Outcome::Done, None), outcome)
}

fn outcome(error: &WriteError) -> (Outcome, Option<&str>) {
    let outcome = match (may_be_made(error), error.kind) {
        (true, _) => Outcome::Unknown,
        (false, WriteErrorKind::Drifted) => Outcome::Drifted,
        (false, _) => Outcome::Failed,
    };
    (outcome, Some(&error.message))
}

fn failed(what: &str, error: WriteError) -> Error {
    Error::new(crate::visible::visible(what)).cause(error.message)
}

/// Tells whether UAA may have done what was sent.
fn may_be_made(error: &WriteError) -> bool {
    match error.kind {
        // Systemic here is: not sent, or turned away at the door.
        WriteErrorKind::Refused | WriteErrorKind::Drifted | WriteErrorKind::Systemic => false,
        WriteErrorKind::Faulty | WriteErrorKind::Unsettled | WriteErrorKind::Unknown => true,
    }
}

/// Exit code 1 says that nothing was written.
fn stopped(error: Error, open: bool, console: &Console) -> Result<Exit, Stop> {
    if open {
        console.error(&error);
        return Ok(Exit::Partial);
    }
    Err(error.into())
}
