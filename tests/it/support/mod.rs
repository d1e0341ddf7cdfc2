//! What the tests share.

pub(crate) mod claude;
pub(crate) mod discord;
pub(crate) mod foreign;
pub(crate) mod git;
pub(crate) mod model;
pub(crate) mod station;
pub(crate) mod transcripts;
