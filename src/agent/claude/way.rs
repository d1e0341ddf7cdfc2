//! The client's way to the model: through a proxy of secloop's, which puts the credential in, or
//! with the credential in its own hands where the operator has switched the proxy off.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::clock::Clock;
use crate::config::{AgentConfig, EgressConfig, Env, Secret};
use crate::egress::{
    Around, Credential, HostNetwork, Journal, Keys, Model, Place, Proxy, Record, Setup, Upstream,
};
use crate::ledger::{EgressRecord, Ledger};
use crate::sandbox::{Cover, Network, Sandbox};
use crate::spend::Meter;

/// The service, where no other address is configured.
const SERVICE: &str = "https://api.anthropic.com";
/// The port of the sandbox's own loopback that leads to the proxy.
const PORT: u16 = 8377;
/// The longest path of a socket, on every platform, with room for its name.
const MAX_SOCKET: usize = 100 - "egress-XXXXXX/egress".len();
/// Variables that a client needs that goes out by itself.
const PASSED: [&str; 8] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "NODE_EXTRA_CA_CERTS",
    "SSL_CERT_FILE",
];
/// Those of them that name files.
const CERTIFICATES: [&str; 2] = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"];
/// The longest file of certificates, in bytes.
const MAX_CERTIFICATES: u64 = 4 << 20;

/// What is known before a run.
#[derive(Debug, Clone)]
pub(super) struct Ways {
    keys: Keys,
    egress: EgressConfig,
    upstream: Upstream,
    /// As configured; empty: the client's own default.
    base_url: String,
    passed: Vec<(String, String)>,
    record: Option<(Ledger, Clock)>,
    work: PathBuf,
}

/// The way of one run.
#[derive(Debug)]
pub(super) enum Way {
    /// Through the proxy.
    Proxied {
        proxy: Proxy,
        credential: Credential,
    },
    /// By itself.
    Open {
        credential: Credential,
        base_url: String,
        passed: Vec<(String, String)>,
    },
}

impl Ways {
    /// Looks for what is needed.
    ///
    /// # Errors
    /// What is missing, with the cure.
    pub(super) fn new(
        config: &AgentConfig,
        egress: &EgressConfig,
        env: &Env,
    ) -> Result<Self, String> {
        let base = if config.base_url.is_empty() {
            SERVICE
        } else {
            &config.base_url
        };
        let now = Clock::system(chrono_tz::Tz::UTC).now();
        Ok(Self {
            keys: Keys::new(config.credential.clone(), env, now)?,
            egress: egress.clone(),
            upstream: Upstream::new(base, &around(env)?)?,
            base_url: config.base_url.clone(),
            passed: PASSED
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), env.get(*name)?.clone())))
                .collect(),
            record: None,
            work: std::env::temp_dir(),
        })
    }

    pub(super) fn record(&mut self, ledger: Ledger, clock: Clock, work: PathBuf) {
        self.record = Some((ledger, clock));
        self.work = work;
    }

    pub(super) fn credential(&self) -> String {
        self.keys.describe()
    }

    /// Where the credential itself lies, for whoever could look there.
    pub(super) fn covers(&self) -> Vec<Cover> {
        let files = self.keys.files().into_iter();
        files
            .filter_map(|file| {
                Some(Cover {
                    path: std::fs::canonicalize(file).ok()?,
                    with: "/dev/null".into(),
                })
            })
            .collect()
    }

    /// Opens the way of one run.
    ///
    /// # Errors
    /// Why there is none, with the cure.
    pub(super) async fn open(
        &self,
        sandbox: &Sandbox,
        contained: bool,
        session: &str,
        meter: &Meter,
    ) -> Result<Way, String> {
        let now = match &self.record {
            Some((_, clock)) => clock.now(),
            None => Clock::system(chrono_tz::Tz::UTC).now(),
        };
        let credential = self.keys.credential(now).await?;
        if !self.egress.proxy {
            return Ok(Way::Open {
                credential,
                base_url: self.base_url.clone(),
                passed: self.passed.clone(),
            });
        }
        if sandbox.confines() || contained {
            meter.sees_all();
        }
        let record = self.record.as_ref().map(|(ledger, clock)| {
            let record = EgressRecord::new(ledger.clone(), clock.clone(), session);
            Arc::new(record) as Arc<dyn Record>
        });
        let setup = Setup {
            rules: self.egress.rules.clone(),
            limits: self.egress.limits,
            model: Some(Model::new(
                self.upstream.clone(),
                credential.clone(),
                Arc::new(meter.clone()),
                self.egress.server_tools,
            )),
            outside: Arc::new(HostNetwork),
            journal: Journal::new(record),
        };
        let proxy = match sandbox {
            Sandbox::Bwrap(_) => self.on_socket(setup),
            // A container's loopback is its own on every platform.
            _ if contained => self.on_socket(setup),
            Sandbox::Seatbelt(_) | Sandbox::Off => Proxy::on_port(setup).await,
        };
        let proxy = proxy.map_err(|e| format!("the egress proxy can't be started: {e}"))?;
        Ok(Way::Proxied { proxy, credential })
    }

    fn on_socket(&self, setup: Setup) -> std::io::Result<Proxy> {
        if self.work.as_os_str().len() > MAX_SOCKET {
            return Proxy::on_socket(&std::env::temp_dir(), setup);
        }
        std::fs::create_dir_all(&self.work)?;
        Proxy::on_socket(&std::fs::canonicalize(&self.work)?, setup)
    }
}

impl Way {
    /// What may not be shown: the credential, and what stands in its place.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        match self {
            Self::Proxied { proxy, credential } => {
                vec![credential.value.clone(), Secret::new(proxy.token())]
            }
            Self::Open { credential, .. } => vec![credential.value.clone()],
        }
    }

    /// The port by which the client reaches the proxy.
    fn port(proxy: &Proxy) -> u16 {
        match proxy.place() {
            Place::Socket(_) => PORT,
            Place::Port(port) => *port,
        }
    }

    /// The network as the sandbox gives it.
    pub(super) fn network(&self) -> Network {
        match self {
            Self::Proxied { proxy, .. } => Network::Proxy {
                socket: match proxy.place() {
                    Place::Socket(path) => path.clone(),
                    Place::Port(_) => PathBuf::new(),
                },
                port: Self::port(proxy),
            },
            Self::Open { .. } => Network::Host,
        }
    }

    /// The variables of the client's environment.
    pub(super) fn environment(&self) -> Vec<(String, String)> {
        let owned = |(name, value): (&str, String)| (name.to_owned(), value);
        match self {
            Self::Proxied { proxy, credential } => {
                let port = Self::port(proxy);
                let mut all: Vec<_> = proxy.environment(port).into_iter().map(owned).collect();
                all.push(owned(("ANTHROPIC_BASE_URL", proxy.base_url(port))));
                // The client behaves by the kind of its credential. This one is the run's token.
                let name = credential.kind.variable();
                all.push(owned((name, proxy.token().to_owned())));
                all
            }
            Self::Open {
                credential,
                base_url,
                passed,
            } => {
                let mut all = passed.clone();
                if !base_url.is_empty() {
                    all.push(owned(("ANTHROPIC_BASE_URL", base_url.clone())));
                }
                let value = credential.value.expose().to_owned();
                all.push(owned((credential.kind.variable(), value)));
                all
            }
        }
    }

    /// Files of certificates that a client reads that goes out by itself.
    pub(super) fn certificates(&self) -> Vec<PathBuf> {
        match self {
            Self::Proxied { .. } => Vec::new(),
            Self::Open { passed, .. } => passed
                .iter()
                .filter(|(name, _)| CERTIFICATES.contains(&name.as_str()))
                .map(|(_, path)| PathBuf::from(path))
                .filter(|path| path.is_file())
                .collect(),
        }
    }

    /// The deployed settings as a client may have them: behind the proxy without what would give it
    /// another way or another credential. A copy in `dir`, where there is such.
    ///
    /// # Errors
    /// When it can't be written.
    pub(super) fn settings(&self, path: &Path, dir: &Path) -> Result<PathBuf, String> {
        let shown = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
        if matches!(self, Self::Open { .. }) {
            return Ok(path.to_owned());
        }
        let text = std::fs::read_to_string(path).map_err(|e| shown(&e))?;
        let mut settings: Map<String, Value> =
            serde_json::from_str(&text).map_err(|e| shown(&e))?;
        if !strip(&mut settings) {
            return Ok(path.to_owned());
        }
        let copy = dir.join("settings.json");
        std::fs::write(&copy, Value::Object(settings).to_string())
            .map_err(|e| format!("{}: {e}", copy.display()))?;
        Ok(copy)
    }

    /// Ends it, and writes down the rest of what was asked for.
    ///
    /// # Errors
    /// When it can't be written down.
    pub(super) async fn close(self) -> Result<(), String> {
        match self {
            Self::Proxied { proxy, .. } => proxy.journal().finish().await,
            Self::Open { .. } => Ok(()),
        }
    }
}

/// Takes out of settings what leads elsewhere. Whether there was anything.
fn strip(settings: &mut Map<String, Value>) -> bool {
    let mut stripped = false;
    for key in [
        "apiKeyHelper",
        "awsAuthRefresh",
        "awsCredentialExport",
        "gcpAuthRefresh",
        "forceLoginMethod",
        "forceLoginOrgUUID",
    ] {
        stripped |= settings.remove(key).is_some();
    }
    if let Some(env) = settings.get_mut("env").and_then(Value::as_object_mut) {
        let before = env.len();
        env.retain(|name, _| !leads_elsewhere(name));
        stripped |= env.len() != before;
    }
    stripped
}

fn leads_elsewhere(variable: &str) -> bool {
    let upper = variable.to_ascii_uppercase();
    [
        "ANTHROPIC_",
        "AWS_",
        "CLAUDE_CODE_USE_",
        "CLAUDE_CODE_OAUTH_",
        "CLAUDE_CODE_API_KEY_",
    ]
    .iter()
    .any(|start| upper.starts_with(start))
        || upper.ends_with("_PROXY")
}

/// What stands between this machine and the service.
fn around(env: &Env) -> Result<Around, String> {
    let first = |names: [&str; 2]| {
        let found = names.iter().find_map(|name| env.get(*name));
        found.cloned().unwrap_or_default()
    };
    let mut roots = Vec::new();
    for name in CERTIFICATES {
        let Some(path) = env.get(name).filter(|path| !path.is_empty()) else {
            continue;
        };
        let meta = std::fs::metadata(path).map_err(|e| unusable(name, path, &e))?;
        if meta.len() > MAX_CERTIFICATES {
            return Err(format!("{name}: {path} is too long for certificates"));
        }
        roots.push(std::fs::read(path).map_err(|e| unusable(name, path, &e))?);
    }
    Ok(Around {
        https_proxy: first(["https_proxy", "HTTPS_PROXY"]),
        http_proxy: first(["http_proxy", "HTTP_PROXY"]),
        no_proxy: first(["no_proxy", "NO_PROXY"]),
        roots,
    })
}

fn unusable(name: &str, path: &str, error: &std::io::Error) -> String {
    format!("{name}: {path}: {error}; correct or unset it")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_lose_what_leads_elsewhere_and_nothing_else() {
        let hooks = json!({"PreToolUse": []});
        let plain = json!({"hooks": hooks, "env": {"EDITOR": "vi"}, "model": "opus"});
        let mut same = plain.as_object().unwrap().clone();
        assert!(!strip(&mut same));
        let mut given = plain.clone();
        given["apiKeyHelper"] = json!("cat ~/key");
        for name in [
            "ANTHROPIC_BASE_URL",
            "AWS_PROFILE",
            "https_proxy",
            "CLAUDE_CODE_USE_BEDROCK",
        ] {
            given["env"][name] = json!("x");
        }
        let mut given = given.as_object().unwrap().clone();
        assert!(strip(&mut given));
        assert_eq!(Value::Object(given), plain);
        let mut odd = json!({"env": 7, "hooks": hooks})
            .as_object()
            .unwrap()
            .clone();
        assert!(!strip(&mut odd));
    }
}
