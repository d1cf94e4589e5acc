//! A throw-away foundation on loopback: the real UAA, a PKS API stand-in, and their own CA.

mod broker;
mod ca;
pub mod certificates;
mod client;
pub mod command;
mod database;
mod database_server;
mod demo;
mod download;
mod error;
mod foundation;
mod pks_api;
mod prerequisites;
mod process;
pub mod proxy;
mod state;
mod uaa;
mod up;
mod version;
mod webapp;

pub use database::{Address, Database, Product};
pub use error::LabError;
pub use foundation::{Foundation, Options, Zone};
pub use version::UaaVersion;
