//! The configuration: resolved, validated once, without options "for later".
//!
//! Precedence: command line > environment > file > embedded defaults.

mod init;
mod load;
mod raw;
mod resolved;

pub use init::{Discovery, discover, render};
pub use load::{Env, Overrides, cache_dir, load, state_dir};
pub use resolved::{
    AgentConfig, AgentKind, AnsibleConfig, AnsibleRuntime, Config, CoordinateConfig, Decider,
    DiscordConfig, Level, LoopConfig, PlaybookConfig, RepoConfig, SandboxConfig, Secret,
    SpendConfig, WikiConfig,
};
