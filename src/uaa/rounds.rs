//! A write that may have been handled although its answer is lost, or that met another writer: look, and try again.
//!
//! Decides how often, and what it comes to. What an answer or a look means, the callers say; what is sent, too.

use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::http::{Answer, Repeat, Request};
use super::session::NoAnswer;
use super::writing::{ROUNDS, is_open, may_be_handled, pause};
use super::{WriteError, WriteErrorKind, Writer, Written};

/// What one try came to.
pub(super) enum Try {
    /// UAA says something, in answer to this request.
    Said(String, Answer),
    /// It may have been handled, or not.
    Open(WriteError),
}

/// What an answer says of a membership row.
pub(super) enum Verdict {
    /// The write was made.
    Made,
    /// It already was as wished, or an earlier try made it so.
    AsWished,
    /// No further try makes sense; and why, where UAA's words do not say.
    Refused(&'static str),
    /// A look tells whether it is as wished; if not, another try may help or not.
    Look { again: bool },
}

impl Writer {
    /// Sends a write once. An error: it was certainly not handled.
    pub(super) async fn attempt(&self, request: Request, repeat: Repeat) -> Result<Try, WriteError> {
        let name = request.name();
        let outcome = self.send(request, repeat).await;
        self.tried(name, outcome)
    }

    /// Tells an answer from none.
    pub(super) fn tried(&self, name: String, outcome: Result<Answer, NoAnswer>) -> Result<Try, WriteError> {
        match outcome {
            Ok(answer) if is_open(&answer) => Ok(Try::Open(self.refused(&name, &answer))),
            Ok(answer) => Ok(Try::Said(name, answer)),
            Err(failure) if may_be_handled(&failure) => Ok(Try::Open(WriteError::no_answer(failure))),
            Err(failure) => Err(WriteError::no_answer(failure)),
        }
    }

    /// Creates something that has a name of its own. `made` takes from the answer what the caller goes on with; `find`
    /// looks for that name; `ours` says whether what it found is what we meant to create, where a try of ours may have
    /// created it (`true`) or not.
    pub(super) async fn create<T, R>(
        &self,
        path: &str,
        body: &Value,
        made: impl Fn(&Answer) -> Option<R>,
        find: impl AsyncFn() -> Result<Option<T>, WriteError>,
        ours: impl Fn(T, bool) -> Result<R, WriteError>,
    ) -> Result<R, WriteError> {
        let mut round = 0;
        loop {
            let request = Request::new(Method::POST, path).json(body.clone());
            let open = match self.attempt(request, Repeat::IfNotHandled).await? {
                Try::Open(error) => error,
                Try::Said(name, answer) if answer.status == StatusCode::CREATED => match made(&answer) {
                    Some(made) => return Ok(made),
                    None => self.refused(&name, &answer),
                },
                Try::Said(name, answer) => {
                    let refused = self.refused(&name, &answer);
                    if answer.status != StatusCode::CONFLICT {
                        return Err(refused);
                    }
                    // Where nothing is found, the database thinks another name equal (a collation without accents).
                    return find().await?.map_or(Err(refused), |found| ours(found, round > 0));
                }
            };
            round += 1;
            pause(round).await;
            match find().await {
                Err(error) => return Err(open.unknown(&error)),
                Ok(Some(found)) => return ours(found, true),
                Ok(None) if round == ROUNDS => return Err(open),
                Ok(None) => {}
            }
        }
    }

    /// Changes something whole: reads it, judges it (`true`: it is as wished), writes it by the version that was read.
    pub(super) async fn replace<T>(
        &self,
        read: impl AsyncFn() -> Result<T, WriteError>,
        is_as_wished: impl Fn(&T) -> Result<bool, WriteError>,
        write: impl AsyncFn(&T) -> Result<Try, WriteError>,
    ) -> Result<Written, WriteError> {
        let mut failed: Option<WriteError> = None;
        let mut lost = false;
        let mut round = 0;
        loop {
            pause(round).await;
            let now = match read().await {
                Ok(now) => now,
                Err(error) => {
                    return Err(match failed {
                        Some(failed) if lost => failed.unknown(&error),
                        _ => error,
                    });
                }
            };
            if is_as_wished(&now)? {
                return Ok(if lost { Written::Done } else { Written::AlreadySo });
            }
            if round == ROUNDS
                && let Some(failed) = failed
            {
                return Err(failed);
            }
            failed = Some(match write(&now).await? {
                Try::Said(_, answer) if answer.status == StatusCode::OK => return Ok(Written::Done),
                Try::Said(name, answer) => {
                    let refused = self.refused(&name, &answer);
                    if answer.status != StatusCode::CONFLICT {
                        return Err(refused);
                    }
                    // Another writer, or an earlier try of ours: the next round reads and judges.
                    WriteError { kind: WriteErrorKind::Drifted, ..refused }
                }
                Try::Open(error) => {
                    lost = true;
                    error
                }
            });
            round += 1;
        }
    }

    /// Adds or removes a membership row, which comes to the same however often it is sent.
    pub(super) async fn change_row(
        &self,
        request: impl Fn() -> Request,
        judge: impl Fn(&Answer) -> Verdict,
        is_as_wished: impl AsyncFn() -> Result<bool, WriteError>,
    ) -> Result<Written, WriteError> {
        let mut lost = false;
        let mut round = 0;
        loop {
            pause(round).await;
            let (again, error) = match self.attempt(request(), Repeat::Harmless).await? {
                Try::Open(error) => (true, error),
                Try::Said(name, answer) => {
                    lost |= answer.earlier_lost;
                    let mut refused = self.refused(&name, &answer);
                    match judge(&answer) {
                        Verdict::Made => return Ok(Written::Done),
                        Verdict::AsWished => {
                            return Ok(if lost { Written::Done } else { Written::AlreadySo });
                        }
                        Verdict::Refused(why) => {
                            refused.message.push_str(why);
                            return Err(refused);
                        }
                        Verdict::Look { again } => (again, refused),
                    }
                }
            };
            lost |= again;
            round += 1;
            match is_as_wished().await {
                Ok(true) => return Ok(if lost { Written::Done } else { Written::AlreadySo }),
                Ok(false) if again && round < ROUNDS => {}
                Err(reread) if again => return Err(error.unknown(&reread)),
                Ok(false) | Err(_) => return Err(error),
            }
        }
    }
}
