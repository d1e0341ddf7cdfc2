//! The repository with real git: the user's checkout, secloop's worktree, an agent's clone.

mod changes;
mod commit;
mod hostile;
mod locks;
mod open;
