use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::*;

const CANARY: &str = "sk-ant-api-canary-0123456789";

fn now() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn env(vars: &[(&str, &str)]) -> Env {
    let owned = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
    vars.iter().map(owned).collect()
}

fn names(names: &[&str]) -> Source {
    Source::Environment(names.iter().map(|n| (*n).to_owned()).collect())
}

async fn read(source: Source, env: &Env) -> Result<(Kind, String), String> {
    let keys = Keys::new(source, env, now())?;
    let found = keys.credential(now()).await?;
    assert!(!format!("{keys:?}{found:?}{}", keys.describe()).contains("canary"));
    Ok((found.kind, found.value.expose().to_owned()))
}

fn written(dir: &Path, text: &str, mode: u32) -> PathBuf {
    let path = dir.join("key");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

#[tokio::test]
async fn the_first_variable_that_is_set_tells_its_kind() {
    let both = env(&[("MINE", " "), ("ANTHROPIC_AUTH_TOKEN", CANARY)]);
    let source = || names(&["MINE", "ANTHROPIC_AUTH_TOKEN"]);
    assert_eq!(
        read(source(), &both).await.unwrap(),
        (Kind::Bearer, CANARY.to_owned())
    );
    let own = env(&[("MINE", "sk-ant-oat01-canary")]);
    assert_eq!(read(source(), &own).await.unwrap().0, Kind::Oauth);
    let own = env(&[("MINE", "canary\n")]);
    assert_eq!(
        read(source(), &own).await.unwrap(),
        (Kind::ApiKey, "canary".to_owned())
    );
    let why = read(source(), &Env::new()).await.unwrap_err();
    assert!(why.contains("MINE or ANTHROPIC_AUTH_TOKEN"), "{why}");
    let odd = env(&[("MINE", "canary\r\nx-evil: 1")]);
    let why = read(source(), &odd).await.unwrap_err();
    assert!(
        why.starts_with("MINE: ") && !why.contains("canary"),
        "{why}"
    );
}

#[tokio::test]
async fn a_file_is_its_owners_alone() {
    let dir = tempfile::tempdir().unwrap();
    let none = Env::new();
    let path = written(dir.path(), &format!("{CANARY}\n"), 0o600);
    let source = || Source::File(path.clone());
    assert_eq!(
        read(source(), &none).await.unwrap(),
        (Kind::ApiKey, CANARY.to_owned())
    );
    for mode in [0o640, 0o604, 0o660, 0o610] {
        written(dir.path(), CANARY, mode);
        let why = read(source(), &none).await.unwrap_err();
        assert!(
            why.contains("chmod 600") && !why.contains("canary"),
            "{why}"
        );
    }
    for (text, words) in [("", "empty"), ("canary\ncanary", "one line")] {
        written(dir.path(), text, 0o600);
        let why = read(source(), &none).await.unwrap_err();
        assert!(why.contains(words) && !why.contains("canary"), "{why}");
    }
    for path in [dir.path().to_owned(), dir.path().join("none")] {
        assert!(read(Source::File(path), &none).await.is_err());
    }
}

#[tokio::test]
async fn a_command_is_asked_once_and_its_words_are_no_shells() {
    let dir = tempfile::tempdir().unwrap();
    let asked = dir.path().join("asked");
    let script = format!("echo x >> {}; printf %s \"$2$VAULT\"", asked.display());
    let words = ["sh", "-c", &script, "sh", "$(echo no)", "canary"].map(str::to_owned);
    let around = env(&[("PATH", "/usr/bin:/bin"), ("VAULT", "-of-the-vault")]);
    let keys = Keys::new(Source::Command(words.to_vec()), &around, now()).unwrap();
    for _ in 0..2 {
        let found = keys.credential(now()).await.unwrap();
        assert_eq!(found.value.expose(), "canary-of-the-vault");
    }
    assert_eq!(std::fs::read_to_string(&asked).unwrap(), "x\n");
    for (script, words) in [
        ("echo canary; echo denied >&2; exit 1", "denied"),
        ("yes canary | head -c 200000", "gave none"),
        ("true", "empty"),
    ] {
        let source = Source::Command(["sh", "-c", script].map(str::to_owned).to_vec());
        let why = read(source, &around).await.unwrap_err();
        assert!(
            why.contains("agent.credential_command") && why.contains(words),
            "{why}"
        );
        assert!(!why.contains("canary"), "{why}");
    }
    let none = Source::Command(vec!["no-such-program".to_owned()]);
    assert!(
        read(none, &around)
            .await
            .unwrap_err()
            .contains("no-such-program")
    );
}

#[test]
fn the_keychain_is_asked_without_a_shell() {
    let hostile = "x\"; rm -rf ~ #";
    let words = keychain_arguments(hostile);
    assert_eq!(
        words,
        ["find-generic-password", "-s", hostile, "-w"].map(OsString::from)
    );
}

#[tokio::test]
async fn a_login_gives_its_access_token_until_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let source = || Source::Login(vec![dir.path().join("none"), dir.path().to_owned()]);
    let file = login::file(dir.path());
    let store = |ends: &str, mode: u32| {
        let ends: DateTime<Utc> = ends.parse().unwrap();
        let login = json!({"claudeAiOauth": {
            "accessToken": "sk-ant-oat01-canary", "refreshToken": "sk-ant-ort01-never",
            "expiresAt": ends.timestamp_millis(), "scopes": ["user:inference"]}});
        std::fs::write(&file, login.to_string()).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    store("2026-11-20T18:00:00Z", 0o600);
    let found = read(source(), &Env::new()).await.unwrap();
    assert_eq!(found, (Kind::Oauth, "sk-ant-oat01-canary".to_owned()));
    store("2026-11-20T12:00:30Z", 0o600);
    let why = read(source(), &Env::new()).await.unwrap_err();
    assert!(
        why.contains("ended at 2026-11-20 12:00 UTC") && why.contains("start `claude`"),
        "{why}"
    );
    store("2026-11-20T18:00:00Z", 0o644);
    let why = read(source(), &Env::new()).await.unwrap_err();
    assert!(why.contains("chmod 600"), "{why}");
    for text in [
        "",
        "sk-ant-oat01-canary",
        "{}",
        "{\"claudeAiOauth\":{\"accessToken\":7}}",
    ] {
        let why = login::parse(text, "there", now()).unwrap_err();
        assert!(why.contains("there") && !why.contains("canary"), "{why}");
    }
}

#[tokio::test]
async fn a_login_that_is_not_there_is_said_with_its_cure() {
    if is_executable(Path::new(SECURITY)) {
        return;
    }
    let why = read(Source::Login(vec!["/nowhere".into()]), &Env::new())
        .await
        .unwrap_err();
    assert!(why.contains("/nowhere") && why.contains("log in"), "{why}");
}
