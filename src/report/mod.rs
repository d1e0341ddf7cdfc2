//! Projections of the ledger: the terminal, the wiki page, the Discord posts.

pub mod console;
pub mod discord;
pub mod posts;
pub mod wiki;
