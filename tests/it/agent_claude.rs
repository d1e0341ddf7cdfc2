//! agent_claude
