//! The real Claude Code command line.

use std::io::Write as _;

static ONCE: std::sync::Once = std::sync::Once::new();

/// The real command line, or a loud line and `None`; with `SECLOOP_REQUIRE_CLAUDE=1` a failure.
pub(crate) fn real_claude() -> Option<std::path::PathBuf> {
    let platform = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("macos", "aarch64") => "darwin-arm64",
        ("macos", _) => "darwin-x64",
        (_, "aarch64") => "linux-arm64",
        _ => "linux-x64",
    };
    let installed = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target/claude/node_modules/@anthropic-ai")
        .join(format!("claude-code-{platform}"))
        .join("claude");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::var_os("SECLOOP_TEST_CLAUDE")
        .map(std::path::PathBuf::from)
        .or_else(|| secloop::process::find_on_path("claude", &path))
        .unwrap_or(installed);
    if secloop::process::is_executable(&found) {
        return Some(found);
    }
    assert_ne!(
        std::env::var("SECLOOP_REQUIRE_CLAUDE").as_deref(),
        Ok("1"),
        "SECLOOP_REQUIRE_CLAUDE=1, but no real Claude Code CLI at {}; run .ci/install-claude",
        found.display()
    );
    // Past the test harness, which swallows what a passing test prints.
    ONCE.call_once(|| {
        let _ = writeln!(
            std::io::stderr(),
            "\nSKIPPED: every test with the real Claude Code CLI; it is not at {} (.ci/install-claude)",
            found.display()
        );
    });
    None
}
