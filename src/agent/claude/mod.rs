//! The Claude Code command line.
