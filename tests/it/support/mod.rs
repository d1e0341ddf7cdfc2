//! What the tests share.

pub(crate) mod ansible;
pub(crate) mod discord;
pub(crate) mod git;
pub(crate) mod model;
pub(crate) mod station;
pub(crate) mod transcripts;
