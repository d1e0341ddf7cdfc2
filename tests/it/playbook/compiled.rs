//! Modules start sooner with what is installed, and with nothing else than what they were given.

use secloop::playbook::{Mode, judge_apply};
use secloop::turn::Verdict;

use super::bench::Bench;

/// Says where its parts are from, and what they say.
const MODULE: &str = r#"#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils import basic, mine, urls
from ansible.module_utils.common import file, text
from ansible.module_utils.common.text import converters

module = AnsibleModule(argument_spec=dict(dest=dict(type="path")))
with open(module.params["dest"], "w") as out:
    for part in (basic, file, text, converters, mine, urls):
        said = getattr(part, "SAID", "-")
        out.write(f"{part.__name__} {'archive' if '.zip/' in part.__file__ else 'installed'} {said}\n")
module.exit_json(changed=False)
"#;

#[tokio::test]
async fn what_a_playbook_brings_along_or_replaces_is_used_and_the_rest_comes_compiled() {
    let bench = Bench::new(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - parts: { dest: ~/parts }\n",
    )
    .await;
    bench.write("library/parts.py", MODULE);
    bench.write("module_utils/mine.py", "SAID = 'mine'\n");
    bench.write("module_utils/urls.py", "SAID = 'in place of Ansible\\'s'\n");
    let run = bench.run(Mode::Apply).await;
    let judged = judge_apply(&run, &secloop::playbook::Baseline::default());
    assert_eq!(judged.verdict, Verdict::Passed, "{run:#?}");
    let parts = std::fs::read_to_string(bench.home().join("parts")).unwrap();
    assert_eq!(
        parts,
        "ansible.module_utils.basic installed -\n\
         ansible.module_utils.common.file installed -\n\
         ansible.module_utils.common.text installed -\n\
         ansible.module_utils.common.text.converters installed -\n\
         ansible.module_utils.mine archive mine\n\
         ansible.module_utils.urls archive in place of Ansible's\n"
    );
}
