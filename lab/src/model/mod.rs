//! A model of UAA 4.30.0: one identity zone in memory, with UAA's rules and traps, for tests by the thousand.
//!
//! Plays what uaapply asks of a UAA and nothing else: every other request is answered 501, so that a test notices.
//! `tests/live/model.rs` sends the same random requests to it and to a real UAA and wants the same answers. Where UAA
//! gives no order (rows of a group, scopes of a client) the model has one. It hashes nothing and forgets no token with
//! time, and a user's `groups` and `approvals`, which uaapply never reads, are not in its answers.
//!
//! ```text
//! request ─ http ─▶ Watch::before ─▶ State::handle ─▶ users, groups, mappings, clients, tokens ─▶ Watch::after ─▶ answer
//!                   (faults, others)   (routes, scopes)          (values and rules)               (invariants)
//! ```

mod clients;
mod filter;
mod groups;
mod http;
mod list;
mod mappings;
mod rights;
mod routes;
mod state;
mod tokens;
mod users;
mod wire;

pub use clients::Client;
pub use groups::{Group, Row};
pub use http::{Fault, Handled, Server, Watch};
pub use mappings::Mapping;
pub use state::State;
pub use users::User;
pub use wire::{Ask, Reply};

/// The version that is played.
pub const VERSION: &str = "4.30.0";
