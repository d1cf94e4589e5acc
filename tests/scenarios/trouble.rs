//! What goes wrong in a run, request by request, from a seed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use tokio::sync::Notify;
use uaapply_lab::model::{Ask, Fault, Handled, Reply, State, Watch};

use crate::facts::{Bounds, Facts, Names};
use crate::others::meddle;

/// The sort of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Killed while a request waits; the server handled it or not.
    Killed,
    /// Connections are cut before or after the server handled a request.
    Cut,
    /// A fifth of all requests fails, one way or another.
    Fifth,
    /// Some requests in a row are answered 429 or 503.
    Burst,
    /// UAA and whatever stands before it fail at single requests.
    Errors,
    /// Half of an answer arrives.
    Half,
    /// Tokens are revoked midway.
    Revoked,
    /// Somebody else changes things meanwhile.
    Others,
    /// The same manifest is applied twice at once.
    Twice,
    /// BOSH backs UAA up from some request on.
    Limited,
    /// The server goes away for good.
    Gone,
    /// Somebody else, and a tenth of all requests fails.
    OthersAndFaults,
    /// Killed, and somebody else before that.
    OthersAndKilled,
}

impl Trouble {
    const ALL: [Self; 13] = [
        Self::Killed,
        Self::Cut,
        Self::Fifth,
        Self::Burst,
        Self::Errors,
        Self::Half,
        Self::Revoked,
        Self::Others,
        Self::Twice,
        Self::Limited,
        Self::Gone,
        Self::OthersAndFaults,
        Self::OthersAndKilled,
    ];

    /// The trouble of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        Self::ALL[usize::try_from(seed % 13).unwrap_or_default()]
    }
}

/// What the watch of a run and the scenario share.
pub(crate) struct Shared {
    pub(crate) bounds: Bounds,
    pub(crate) names: Names,
    /// Where the server was out of bounds, and after which request.
    pub(crate) broken: Vec<String>,
    pub(crate) log: Vec<String>,
    pub(crate) requests: usize,
}

impl Shared {
    pub(crate) fn new(bounds: Bounds, names: Names) -> Arc<Mutex<Self>> {
        let shared = Self { bounds, names, broken: Vec::new(), log: Vec::new(), requests: 0 };
        Arc::new(Mutex::new(shared))
    }
}

pub(crate) fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks at every request; makes trouble.
pub(crate) struct Eye {
    rng: Rng,
    trouble: Option<Trouble>,
    /// The request at which the trouble begins.
    from: usize,
    number: usize,
    shared: Arc<Mutex<Shared>>,
    kill: Arc<Notify>,
}

impl Eye {
    pub(crate) fn new(
        rng: Rng,
        trouble: Option<Trouble>,
        shared: &Arc<Mutex<Shared>>,
        kill: &Arc<Notify>,
    ) -> Self {
        let mut rng = rng;
        let from = rng.usize(1..30);
        Self { rng, trouble, from, number: 0, shared: Arc::clone(shared), kill: Arc::clone(kill) }
    }

    fn in_ten(&mut self, tenths: u8) -> bool {
        self.rng.u8(0..10) < tenths
    }

    fn fault(&mut self, state: &mut State, ask: &Ask) -> Fault {
        let Some(trouble) = self.trouble else { return Fault::None };
        let begun = self.number >= self.from;
        match trouble {
            Trouble::Killed => self.kill(),
            Trouble::OthersAndKilled => {
                self.others(state);
                self.kill()
            }
            Trouble::Cut if self.in_ten(1) => self.cut(),
            Trouble::Fifth if self.in_ten(2) => self.any(ask),
            Trouble::Burst if begun && self.number < self.from + 4 => self.busy(),
            Trouble::Errors if self.in_ten(1) => self.error(ask),
            Trouble::Half if self.in_ten(1) => Fault::Cut,
            Trouble::Revoked => {
                if self.in_ten(1) {
                    state.revoke_tokens();
                }
                Fault::None
            }
            Trouble::Others => {
                self.others(state);
                Fault::None
            }
            Trouble::OthersAndFaults => {
                self.others(state);
                if self.in_ten(1) { self.any(ask) } else { Fault::None }
            }
            Trouble::Limited => {
                state.limited = begun;
                Fault::None
            }
            Trouble::Gone if begun => Fault::Drop,
            Trouble::Twice if self.in_ten(3) => Fault::Delay(Duration::from_millis(self.rng.u64(1..20))),
            Trouble::Cut
            | Trouble::Fifth
            | Trouble::Burst
            | Trouble::Errors
            | Trouble::Half
            | Trouble::Twice
            | Trouble::Gone => Fault::None,
        }
    }

    fn kill(&mut self) -> Fault {
        if self.number != self.from {
            return Fault::None;
        }
        self.kill.notify_one();
        if self.rng.bool() { Fault::Hold } else { Fault::HandleThenHold }
    }

    fn cut(&mut self) -> Fault {
        if self.rng.bool() { Fault::Drop } else { Fault::HandleThenDrop }
    }

    fn busy(&mut self) -> Fault {
        let status = if self.in_ten(2) { 429 } else { 503 };
        let wait = self.in_ten(2).then_some(Duration::from_secs(1));
        Fault::Answer(Reply::html(status), wait)
    }

    fn error(&mut self, ask: &Ask) -> Fault {
        match self.rng.u8(0..6) {
            0 => Fault::Answer(Reply::scim(500, "scim", "Unexpected error"), None),
            1 => Fault::Answer(Reply::scim(422, "scim", "could not obtain a connection"), None),
            2 => Fault::Answer(Reply::html(500), None),
            // What failed is told, with all that was sent.
            3 => Fault::Answer(Reply::scim(500, "scim", &String::from_utf8_lossy(&ask.body)), None),
            4 => Fault::HandleThenAnswer(Reply::html(502)),
            _ => Fault::HandleThenAnswer(Reply::scim(500, "scim", "Unexpected error")),
        }
    }

    fn any(&mut self, ask: &Ask) -> Fault {
        match self.rng.u8(0..8) {
            0..3 => self.cut(),
            3 | 4 => self.busy(),
            5 | 6 => self.error(ask),
            _ => Fault::Cut,
        }
    }

    fn others(&mut self, state: &mut State) {
        if self.rng.u8(0..12) != 0 {
            return;
        }
        let mut shared = lock(&self.shared);
        let before = Facts::of(state, &shared.names);
        let told = meddle(&mut self.rng, state);
        let after = Facts::of(state, &shared.names);
        shared.bounds.touched(&before, &after);
        shared.log.push(format!("     somebody else: {told}"));
    }
}

impl Watch for Eye {
    fn before(&mut self, state: &mut State, ask: &Ask) -> Fault {
        self.number += 1;
        let fault = self.fault(state, ask);
        let mut shared = lock(&self.shared);
        shared.requests += 1;
        let number = shared.requests;
        let told = match &fault {
            Fault::None => String::new(),
            Fault::Answer(reply, _) => format!(" ! unhandled, {}", reply.status),
            Fault::HandleThenAnswer(reply) => format!(" ! handled, {}", reply.status),
            other => format!(" ! {other:?}"),
        };
        let body = if ask.path == "/oauth/token" {
            String::new()
        } else {
            String::from_utf8_lossy(&ask.body).into_owned()
        };
        shared.log.push(format!("{number:4} {} {} {body}{told}", ask.method, ask.path));
        fault
    }

    fn after(&mut self, state: &State, ask: &Ask, handled: Handled) {
        let mut shared = lock(&self.shared);
        if let Handled::Yes(status) = handled {
            shared.log.push(format!("     {} {} = {status}", ask.method, ask.path));
            if status == 501 {
                shared
                    .broken
                    .push(format!("the model does not play {} {} {:?}", ask.method, ask.path, ask.query));
            }
            if ask.method != "GET" && ask.path != "/oauth/token" {
                let broken = shared.bounds.broken(&Facts::of(state, &shared.names));
                let told =
                    broken.into_iter().map(|what| format!("after {} {}: {what}", ask.method, ask.path));
                shared.broken.extend(told);
            }
        }
    }
}

/// Keeps what a run without trouble leads through.
pub(crate) struct Recorder(pub(crate) Arc<Mutex<Vec<State>>>);

impl Watch for Recorder {
    fn before(&mut self, _: &mut State, _: &Ask) -> Fault {
        Fault::None
    }

    fn after(&mut self, state: &State, ask: &Ask, handled: Handled) {
        if ask.method != "GET" && ask.path != "/oauth/token" && handled != Handled::No {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(state.clone());
        }
    }
}
