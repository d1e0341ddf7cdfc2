//! The configuration: resolved, validated once, without options "for later".
//!
//! Precedence: command line > environment > file > embedded defaults.

mod defaults;
mod egress;
mod init;
mod load;
mod locate;
mod raw;
mod resolved;
mod scan;
mod validate;

pub use init::{Discovery, discover, render};
pub use load::{Env, Overrides, level, load, load_if_any};
pub use locate::{cache_dir, state_dir};
pub use resolved::{
    AgentConfig, AgentKind, AnsibleConfig, AnsibleRuntime, Config, CoordinateConfig, Decider,
    DiscordConfig, EgressConfig, GuardConfig, Level, LimitsConfig, LoopConfig, MemoryConfig,
    PlaybookConfig, PolicyConfig, ProveConfig, RepoConfig, SandboxConfig, ScanConfig, ScanFormat,
    ScanTool, Secret, SpendConfig, Unknown, WikiConfig,
};

#[cfg(test)]
mod tests;
