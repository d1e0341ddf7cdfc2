//! Scanners: run confined and bounded, and what they did not check is not good.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secloop::clock::Clock;
use secloop::config::{ScanConfig, ScanFormat, ScanTool};
use secloop::prove::probe::ProbeContext;
use secloop::scan::{Fields, Machine, Scan, scan};
use secloop::turn::Severity;
use tokio_util::sync::CancellationToken;

struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let bench = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        for name in ["home", "repo"] {
            std::fs::create_dir(bench.dir.path().join(name)).unwrap();
        }
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A tool that is this shell script, beside the home directory.
    fn tool(&self, name: &str, script: &str, format: ScanFormat) -> ScanTool {
        let path = self.write(&format!("repo/{name}"), &format!("#!/bin/sh\n{script}\n"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        ScanTool {
            name: name.to_owned(),
            command: vec![path.display().to_string(), "an argument".to_owned()],
            deadline: Duration::from_secs(2),
            format,
        }
    }

    async fn scan(&self, config: &ScanConfig) -> Scan {
        let path = std::env::var_os("PATH").unwrap();
        let sandbox = crate::support::native().await;
        let (home, repo) = (self.path("home"), self.path("repo"));
        let probes = ProbeContext::new(sandbox.clone(), home.clone(), path.clone());
        let clock = Clock::system(chrono_tz::Tz::UTC);
        let machine = Machine {
            sandbox: &sandbox,
            home: &home,
            path: &path,
            dir: &repo,
            probes: &probes,
            zone: chrono_tz::Tz::UTC,
        };
        scan(config, &machine, clock.now(), &CancellationToken::new()).await
    }
}

fn config() -> ScanConfig {
    ScanConfig {
        max_age: Duration::from_hours(24 * 30),
        ..ScanConfig::default()
    }
}

fn said(scan: &Scan) -> Vec<String> {
    scan.coverage.iter().map(ToString::to_string).collect()
}

const SARIF: &str = r#"{"runs":[{"results":[{"ruleId":"R1","level":"error","message":{"text":"open"}},{"ruleId":"R2","kind":"pass"}]}]}"#;

#[tokio::test]
async fn a_tool_is_confined_and_bounded_and_what_goes_wrong_checks_nothing() {
    let bench = Bench::new();
    let good = format!("[ \"$1\" = 'an argument' ] && cat <<'EOF'\n{SARIF}\nEOF\nexit 1");
    let json = ScanFormat::Json(Fields {
        status: "state".to_owned(),
        ..Fields::default()
    });
    let token = format!("ghp_{}", "a1B2".repeat(9));
    bench.write("home/.netrc", "machine x password anybodys\n");
    let tools = vec![
        bench.tool("good", &good, ScanFormat::Sarif),
        bench.tool(
            "fields",
            &format!("echo '[{{\"id\":\"J\",\"title\":\"with {token}\",\"severity\":\"critical\",\"state\":\"fail\"}},{{\"id\":\"K\"}}]'"),
            json.clone(),
        ),
        // It can't write, reach anybody, or read a credential: it tells what it could.
        bench.tool(
            "busy",
            "did=; touch \"$HOME/x\" 2>/dev/null && did=wrote\n\
             touch /etc/secloop-scan 2>/dev/null && did=wrote\n\
             grep -q anybodys \"$HOME/.netrc\" 2>/dev/null && did=read\n\
             [ \"$(grep -c : /proc/net/dev)\" = 1 ] || did=net\n\
             echo \"[{\\\"id\\\":\\\"did:$did\\\",\\\"state\\\":\\\"fail\\\"}]\"",
            json.clone(),
        ),
        bench.tool("hangs", "sleep 600", ScanFormat::Sarif),
        bench.tool("floods", "yes | head -c 9000000", ScanFormat::Sarif),
        bench.tool("crashes", "exit 139", ScanFormat::Sarif),
        bench.tool("babbles", "echo all is well", ScanFormat::Sarif),
        bench.tool("silent", "true", json),
        ScanTool {
            command: vec!["no-such-scanner".to_owned()],
            ..bench.tool("absent", "", ScanFormat::Sarif)
        },
    ];
    let scan = bench.scan(&ScanConfig { tools, ..config() }).await;
    let said = said(&scan);
    for (at, says) in [
        "good: 1 failed, 1 passed, 0 not checked",
        "fields: 1 failed, 0 passed, 1 not checked",
        "busy: 1 failed",
        "hangs: not checked (it did not end within 2s)",
        "floods: not checked (it ",
        "crashes: not checked (it ended with exit code 139)",
        "babbles: not checked (it is no JSON",
        "silent: not checked (it is no JSON",
        "absent: not checked (no-such-scanner is not there)",
    ]
    .into_iter()
    .enumerate()
    {
        assert!(said[at].starts_with(says), "{says}\n{said:#?}");
    }
    assert!(said.iter().skip(1).all(|line| !line.contains("1 passed")));
    let found: Vec<(&str, Severity)> = scan
        .candidates
        .iter()
        .map(|c| (c.id.as_str(), c.severity))
        .collect();
    assert_eq!(
        found,
        [
            ("R1", Severity::P1),
            ("J", Severity::P0),
            ("did:", Severity::P2)
        ]
    );
    assert!(!scan.candidates[1].title.contains(&token));
    assert!(!bench.path("home/x").exists());
}

/// A rule whose getter gives this.
fn rule(id: &str, check: &str, result: &str) -> String {
    format!(
        "id: {id}\ntitle: \"{id}\"\ncheck: |\n  {check}\nresult:\n  integer: {result}\nseverity: high\n"
    )
}

#[tokio::test]
async fn the_getters_of_rules_are_run_and_only_their_answer_counts() {
    let bench = Bench::new();
    let file = bench.write("home/file", "");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    for (name, text) in [
        (
            "os/open.yaml",
            rule("open", "stat -c %a \"$HOME/file\" | grep -c 600", "1"),
        ),
        (
            "os/closed.yaml",
            rule("closed", "stat -c %a \"$HOME/file\" | grep -c 644", "1"),
        ),
        (
            "os/absent.yaml",
            rule("absent", "/usr/bin/no-such-getter | /usr/bin/wc -l", "0"),
        ),
        ("os/root.yaml", rule("root", "sudo true; echo 1", "1")),
        ("os/none.yaml", "id: none\ncheck: \" \"\n".to_owned()),
        (
            "os/writes.yaml",
            rule("writes", "touch \"$HOME/x\" && echo 1", "1"),
        ),
        ("broken.yaml", "- [".to_owned()),
        ("README.md", "no rule".to_owned()),
    ] {
        bench.write(&format!("rules/{name}"), &text);
    }
    let scan = bench
        .scan(&ScanConfig {
            mscp_rules: Some(bench.path("rules")),
            ..config()
        })
        .await;
    let said = said(&scan);
    assert!(
        said[0].starts_with("mscp: 1 failed, 1 passed, 5 not checked"),
        "{said:?}"
    );
    let mut ids: Vec<&str> = scan.candidates.iter().map(|c| c.id.as_str()).collect();
    ids.sort_unstable();
    // One that tries to write has looked at something else than the machine as it is.
    assert_eq!(ids, ["open"]);
    assert!(
        scan.candidates
            .iter()
            .all(|c| c.probe.is_some() && c.severity == Severity::P1)
    );
    assert!(!bench.path("home/x").exists());
}

#[tokio::test]
async fn a_report_of_lynis_is_read_with_its_age() {
    let bench = Bench::new();
    let ago = |days| {
        let then = Clock::system(chrono_tz::Tz::UTC).now() - chrono::TimeDelta::days(days);
        then.format("%Y-%m-%d %H:%M:%S").to_string()
    };
    let report = |days| {
        format!(
            "report_version_major=1\nreport_datetime_start={0}\nwarning[]=FIRE-4512|no rules|-|-|\n\
             tests_executed=FIRE-4512|FILE-6310|\nreport_datetime_end={0}\n",
            ago(days)
        )
    };
    let path = bench.path("lynis-report.dat");
    let asked = ScanConfig {
        lynis_report: Some(path.clone()),
        lynis_asked: true,
        ..config()
    };
    // Nobody has asked for it: then nobody misses it.
    let quiet = ScanConfig {
        lynis_asked: false,
        ..asked.clone()
    };
    assert!(bench.scan(&quiet).await.coverage.is_empty());
    let missing = said(&bench.scan(&asked).await);
    assert!(missing[0].starts_with("lynis: not checked (") && missing[0].contains("report.dat"));
    for (text, says, candidates) in [
        (
            report(3),
            "lynis: 1 failed, 1 passed, 0 not checked, 3 days old",
            1,
        ),
        (
            report(90),
            "lynis: 1 failed, 0 passed, 1 not checked, 90 days old (too old",
            0,
        ),
        (
            "nonsense".to_owned(),
            "lynis: not checked (it is no report",
            0,
        ),
    ] {
        std::fs::write(&path, text).unwrap();
        let scan = bench.scan(&asked).await;
        assert!(
            said(&scan)[0].starts_with(says),
            "{says}: {:?}",
            said(&scan)
        );
        assert_eq!(scan.candidates.len(), candidates);
    }
}

/// Lynis itself, where it is installed; with `SECLOOP_REQUIRE_LYNIS=1` it has to be.
#[tokio::test]
#[ignore = "takes minutes: cargo test --test it scan:: -- --ignored"]
async fn an_audit_of_the_real_lynis() {
    use std::io::Write as _;
    let path = std::env::var_os("PATH").unwrap();
    if secloop::process::find_on_path("lynis", &path).is_none() {
        assert_ne!(
            std::env::var("SECLOOP_REQUIRE_LYNIS").as_deref(),
            Ok("1"),
            "SECLOOP_REQUIRE_LYNIS=1, but lynis is not on PATH: apt install lynis"
        );
        let _ = writeln!(
            std::io::stderr(),
            "\nSKIPPED: the test with the real Lynis; it is not on PATH"
        );
        return;
    }
    let bench = Bench::new();
    let scan = bench
        .scan(&ScanConfig {
            lynis_audit: true,
            ..config()
        })
        .await;
    let said = said(&scan);
    let _ = writeln!(std::io::stderr(), "\n{said:?}");
    assert!(scan.coverage[0].passed > 20, "{said:?}");
    assert!(!scan.candidates.is_empty(), "{said:?}");
    assert!(
        !Path::new("/var/log/lynis-report.dat").exists(),
        "it writes nowhere"
    );
}
