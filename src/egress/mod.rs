//! The way out of the sandbox: a proxy of secloop's own, one for each run.
//!
//! ```text
//! inside                                  outside
//! tools ── CONNECT host:443 ─┐            ┌─ rules ─ address ─ tunnel ─► host
//!                            ├─ [bridge] ─┤
//! client ── POST /model/… ───┘            └─ strip ─ credential ─ TLS ─► the model's service
//!                                                └─ reads along what it costs (Till)
//! ```
//!
//! On Linux the sandbox has no network but a loopback of its own; a small process in it ([`bridge`])
//! hands what comes to one port over to a unix socket, which is the proxy's. On macOS the profile
//! lets only the proxy's port through.
//!
//! Who is inside is known by a token that is made for one run; the token stands in the place of the
//! model's credential, too, so that inside there is no real one to be found.

mod address;
mod body;
pub mod bridge;
mod connect;
mod credential;
mod host;
mod journal;
mod limits;
mod login;
mod model;
mod outside;
mod proxy;
mod reach;
mod rules;
mod source;
mod token;
mod tunnel;
mod usage;

pub use credential::{Credential, Kind};
pub use host::{Host, Target};
pub use journal::{Decision, Journal, MAX_ROWS, Record};
pub use limits::Limits;
pub use model::{Around, Model, Upstream};
pub use outside::{Connection, Host as HostNetwork, Later, Outside};
pub use proxy::{Place, Proxy, Setup};
pub use rules::{Pattern, Rules};
pub use source::{Keys, Source};
pub use usage::Till;
