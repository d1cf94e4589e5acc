//! Stories against the real UAA, on every version that the lab has.
//!
//! Each test has an identity zone of its own on a server that is started once per run. What the tests say about the
//! server's state they read with a client of their own (`World::api`), never with uaapply's.

mod access;
mod awkward;
mod clients;
mod commands;
mod connecting;
mod databases;
mod export;
mod faults;
mod interrupted;
mod model;
mod pks_day;
mod readme;
mod removal;
mod requests;
mod review;
mod saved;
mod saved_login;
mod secrets;
mod server_rules;
mod uaac;
mod undo;
mod verify;
mod world;

/// Declares a story that is told to each UAA version.
macro_rules! on_each_uaa {
    ($($(#[$doc:meta])* fn $name:ident($world:ident) $body:block)*) => {$(
        $(#[$doc])*
        mod $name {
            use super::*;

            fn story($world: &World) $body

            #[test]
            fn on_4_10_0() {
                story(&World::new(UaaVersion::V4_10_0));
            }

            #[test]
            fn on_4_30_0() {
                story(&World::new(UaaVersion::V4_30_0));
            }
        }
    )*};
}
pub(crate) use on_each_uaa;
