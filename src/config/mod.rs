//! The configuration: resolved, validated once, without options "for later".
//!
//! Precedence: command line > environment > file > embedded defaults.

mod resolved;

pub use resolved::{
    AgentConfig, AgentKind, AnsibleRuntime, Config, CoordinateConfig, Decider, DiscordConfig,
    Level, LoopConfig, PlaybookConfig, RepoConfig, SandboxConfig, Secret, SpendConfig, WikiConfig,
};
