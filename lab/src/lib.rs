//! A throw-away foundation on loopback: the real UAA, a PKS API stand-in, and their own CA.

mod broker;
pub mod certificates;
mod ca;
mod client;
mod download;
mod error;
mod foundation;
mod pks_api;
mod prerequisites;
pub mod proxy;
mod state;
mod uaa;
mod version;
mod webapp;

pub use error::LabError;
pub use foundation::{Foundation, Options, Zone};
pub use version::UaaVersion;
