//! The agent can use the model and does not hold the credential; what calls cost is seen on the wire.

use std::sync::{Arc, Mutex};

use secloop::config::{EgressConfig, Level};
use secloop::gate::MicroUsd;
use secloop::turn::AgentOutcome;

use super::{Bench, KEY, client_with, improvement, small_replies, variable};
use crate::support::holding;
use crate::support::model::Step;

/// Looks everywhere inside for the credential, which is not written here in one piece.
const SEARCH: &str = "k=worth\"\"less-key-of-a-test
for f in /proc/[0-9]*/environ /proc/[0-9]*/cmdline; do
  tr '\\0' '\\n' < $f | grep -q $k && echo found=$f; done
env | grep -q $k && echo found=env
for d in / /tmp /run $PWD $HOME $HOME/.. $CLAUDE_CONFIG_DIR; do
  timeout 20 find $d -xdev -type f -size -20000k -not -path '/usr/*' -exec grep -l $k {} + \\
    2>/dev/null | sed s/^/found=/; done
echo searched $(ls -d /proc/[0-9]* | wc -l) processes; echo token=$ANTHROPIC_API_KEY";

/// Which of the processes inside the sandbox of a run below `root` show the credential to the host,
/// and how many there are in all.
fn shown_to_the_host(root: &str) -> (Vec<String>, usize) {
    let (mut shown, mut inside) = (Vec::new(), 0);
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let read = |name: &str| std::fs::read(entry.path().join(name)).unwrap_or_default();
        let environ = String::from_utf8_lossy(&read("environ")).into_owned();
        if !environ.contains("AGENT_SANDBOX=1") || !environ.contains(root) {
            continue;
        }
        inside += 1;
        let words = String::from_utf8_lossy(&read("cmdline")).into_owned();
        if environ.contains(KEY) || words.contains(KEY) {
            shown.push(words.replace('\0', " "));
        }
    }
    (shown, inside)
}

/// A run that looks for the credential, inside and from the host while it goes on.
async fn searched(egress: &EgressConfig, credential: &str) -> Option<(Bench, Vec<String>)> {
    let host = Arc::new(Mutex::new((Vec::new(), 0)));
    let seen = Arc::clone(&host);
    let mut bench = Bench::with(
        |repo| {
            let root = repo.parent().unwrap().display().to_string();
            vec![
                Step::bash(SEARCH),
                Step::from(move |_| {
                    *seen.lock().unwrap() = shown_to_the_host(&root);
                    Step::structured(improvement())
                }),
            ]
        },
        |c| c.credential = variable(credential),
    )
    .await?;
    bench.claude = client_with(&bench.config, Level::Native, egress).await;
    let it = bench.iterate().await;
    assert_eq!(it.outcome, AgentOutcome::Done, "{it:#?}\n{}", bench.told());
    assert_eq!(it.cost, small_replies(2));
    let told = bench.told();
    assert!(told.contains("searched "), "{told}");
    let (shown, inside) = std::mem::take(&mut *host.lock().unwrap());
    assert!(inside > 0, "no process of the agent's was seen");
    let mut found: Vec<String> = told
        .lines()
        .filter(|line| line.starts_with("found="))
        .map(str::to_owned)
        .collect();
    found.extend(shown);
    Some((bench, found))
}

#[tokio::test]
async fn the_agent_never_holds_it_and_the_service_gets_it() {
    for (credential, header) in [
        ("ANTHROPIC_API_KEY", KEY.to_owned()),
        ("CLAUDE_CODE_OAUTH_TOKEN", format!("Bearer {KEY}")),
    ] {
        let Some((bench, found)) = searched(&EgressConfig::default(), credential).await else {
            return;
        };
        assert_eq!(found, Vec::<String>::new());
        let keys = bench.model.keys();
        assert!(
            !keys.is_empty() && keys.iter().all(|key| *key == header),
            "{keys:?}"
        );
        let (files, looked) = holding(&bench.root, KEY);
        assert!(looked > 3, "{looked}");
        assert_eq!(files, Vec::<std::path::PathBuf>::new());
        for request in bench.model.requests() {
            assert!(!request.to_string().contains(KEY));
        }
    }
}

/// The same search finds it where the proxy is off: so it can find something.
#[tokio::test]
async fn without_the_proxy_it_is_found() {
    let open = EgressConfig {
        proxy: false,
        ..EgressConfig::default()
    };
    let Some((_, found)) = searched(&open, "ANTHROPIC_API_KEY").await else {
        return;
    };
    let all = found.join("\n");
    assert!(
        all.contains("found=env") && all.contains("/environ"),
        "{all}"
    );
    assert!(found.iter().any(|f| !f.starts_with("found=")), "{all}");
}

/// A call that the agent makes by itself, which neither the client's output nor its transcripts tell
/// of, ends the run at its allowance all the same.
#[tokio::test]
async fn a_call_behind_the_clients_back_is_paid_for() {
    let call = "curl -s $ANTHROPIC_BASE_URL/v1/messages -H \"x-api-key: $ANTHROPIC_API_KEY\" \
                -d '{\"model\":\"claude-opus-5-5\",\"tools\":[{\"name\":\"x\"}],\"messages\":[]}'";
    let Some(mut bench) = Bench::new(|_| {
        vec![
            Step::bash(&format!("{call}; sleep 3600")),
            Step::text("much").using(250_000, 9),
            Step::bash("echo never > playbook.yml"),
        ]
    })
    .await
    else {
        return;
    };
    let it = bench.iterate().await;
    assert_eq!(it.outcome, AgentOutcome::Budget, "{it:#?}");
    assert!(
        it.why.starts_with("the allowance of $1.00 is used up"),
        "{}",
        it.why
    );
    let wire = MicroUsd(small_replies(1).0 + 250_000 * 4 + 9 * 20);
    assert_eq!(it.cost, wire, "{it:#?}");
    assert_eq!(bench.model.requests().len(), 2);
    assert_eq!(bench.changed().await, "");
}

/// Without a list of hosts there is the model, and nothing else.
#[tokio::test]
async fn nothing_but_the_model_is_reached() {
    let elsewhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let port = elsewhere.local_addr().unwrap().port();
    let tries = format!(
        "for u in https://example.org https://127.0.0.1.nip.io:{port} http://example.org; do
           curl -sS -m 20 $u 2>&1; done
         curl -sS -m 20 --noproxy '*' http://127.0.0.1:{port} 2>&1
         curl -sS -m 20 --noproxy '*' https://1.1.1.1 2>&1
         curl -s -m 20 -o /dev/null -w 'code=%{{http_code}}' \\
           $ANTHROPIC_BASE_URL/v1/files -H \"x-api-key: $ANTHROPIC_API_KEY\"
         ls /sys/class/net 2>/dev/null; echo tried"
    );
    let Some(mut bench) =
        Bench::new(|_| vec![Step::bash(&tries), Step::structured(improvement())]).await
    else {
        return;
    };
    let it = bench.iterate().await;
    assert_eq!(it.outcome, AgentOutcome::Done, "{it:#?}");
    let told = bench.told();
    assert!(
        told.contains("tried") && told.contains("code=403"),
        "{told}"
    );
    assert_eq!(told.matches("403").count(), 3, "{told}");
    assert!(told.contains("only TLS goes through"), "{told}");
    assert!(
        elsewhere.accept().is_err(),
        "the host's loopback was reached"
    );
}
