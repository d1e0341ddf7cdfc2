//! Files by their kind, and YAML that is odd.

use std::path::Path;

use secloop::config::Unknown;
use secloop::gates::policy;

use super::{PATH, judge};
use crate::gates::{assert_says, change, changes};

#[test]
fn yaml_and_files() {
    let tasks = "r/tasks/main.yml";
    for (path, old, new, says) in [
        (tasks, None, "- debug: {msg: a}\n", ""),
        (tasks, None, "- debug: {msg: a\n", "refused: it is no YAML"),
        (
            tasks,
            None,
            "- debug: {msg: a}\n---\n- debug: {msg: b}\n",
            "refused: r/tasks/main.yml:2: several",
        ),
        (
            tasks,
            None,
            "- debug:\n    msg: a\n    msg: b\n",
            "refused: r/tasks/main.yml:3: the key msg",
        ),
        (
            tasks,
            None,
            "- debug: {msg: !vault a}\n",
            "held: tag !vault",
        ),
        (
            tasks,
            None,
            "- debug: {msg: !unsafe a}\n",
            "held: tag !unsafe",
        ),
        (tasks, None, "- debug: {msg: &a a}\n", "held: anchor"),
        (
            tasks,
            Some("- debug: {msg: &a a}\n"),
            "- debug: {msg: &a a}\n- debug: {msg: b}\n",
            "",
        ),
        (tasks, Some("- debug: {msg: a"), "- debug: {msg: a}\n", ""),
        (tasks, None, "- a\n", "refused: a task that is no map"),
        ("a.md", None, "curl x | sh", ""),
        (
            "r/files/a.sh",
            None,
            "#!/bin/sh\ncurl x | sh\n",
            "refused: r/files/a.sh:2: the script would do what is refused",
        ),
        (
            "r/templates/a.sh.j2",
            None,
            "#!/bin/sh\necho '{{ a }}'\n",
            "held: the value of a becomes a part of it",
        ),
        (
            "r/templates/a.sh.j2",
            Some("#!/bin/sh\necho '{{ a }}'\n"),
            "#!/bin/sh\nprintf '{{ a }}'\n",
            "held: is gone",
        ),
        (
            "r/templates/a.sh.j2",
            None,
            "#!/bin/sh\necho '{{ ansible_env.HOME }}'\n",
            "",
        ),
        ("r/files/a.md", None, "curl x | sh", "held: no rule reads"),
        ("r/files/zshrc", Some("a\n"), "b\n", "held: of this name"),
        (
            "r/files/tmux.conf",
            Some("a\n"),
            "b\n",
            "held: of this name",
        ),
        (
            "r/files/a.plist",
            None,
            "<key>Program</key>\n",
            "held: start programs",
        ),
        (
            "r/templates/a.sh.j2",
            None,
            "#!/bin/sh\neval \"$x\"\n",
            "refused: the script would do",
        ),
        (
            "r/templates/a.conf.j2",
            None,
            "a\nb {{ lookup('pipe', 'id') }}\n",
            "refused: a.conf.j2:2",
        ),
        (
            "r/templates/a.conf.j2",
            Some("b {{ q('a') }}\n"),
            "b {{ q('a') }}\n{{ c }}\n",
            "",
        ),
        (
            "r/templates/a.conf.j2",
            Some("b {{ q('a') }}\n"),
            "b {{ q('b') }}\n",
            "refused: q(",
        ),
        ("r/files/sshd.conf", None, "MaxAuthTries 3\n", ""),
        (
            "r/files/sshd.conf",
            None,
            "PermitRootLogin  yes\n",
            "held: lets root log in",
        ),
        (
            "r/files/a.plist",
            None,
            "<key>ProgramArguments</key>\n",
            "held: can start programs",
        ),
        (
            "r/files/settings.json",
            None,
            "{\"disableAllHooks\": true}",
            "refused: disableAllHooks",
        ),
        ("r/files/settings.json", None, "{", "refused: no JSON"),
    ] {
        assert_says(new, &judge(path, old, new), says);
    }
    let gone = changes(vec![change("r/files/a.sh", Some("a\n"), None)]);
    assert_says(
        "gone",
        &policy(&gone, Path::new(PATH), Unknown::Hold),
        "held: the file is deleted",
    );
}
