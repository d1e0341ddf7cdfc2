//! `secloop init`: a configuration by looking at a repository.

mod discover;
mod render;
mod usage;

pub use discover::{Discovery, discover};
pub use render::render;
