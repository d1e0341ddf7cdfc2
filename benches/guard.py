#!/usr/bin/env python3
"""The guard on a labelled corpus, and how long its hook takes beside `true`.

usage: benches/guard.py SECLOOP CORPUS.jsonl [--time N]

Each line of the corpus is an object with `command` and `label` ("deny" or "allow"). Every command is
put to the real hook, as a process. Prints what was missed and what was refused wrongly, the rates,
and with --time the medians of N runs of the hook and of `true`, interleaved.
"""

import json
import statistics
import subprocess
import sys
import time


def question(command):
    asked = {"tool_name": "Bash", "tool_input": {"command": command}}
    return json.dumps(asked).encode()


def ask(program, command):
    return subprocess.run([program, "guard"], input=question(command), capture_output=True)


def rates(program, rows):
    seen = {"deny": [0, 0], "allow": [0, 0]}
    for row in rows:
        done = ask(program, row["command"])
        if done.returncode not in (0, 2):
            sys.exit(f"exit {done.returncode}: {row['command']!r}")
        refused = done.returncode == 2
        seen[row["label"]][0] += refused
        seen[row["label"]][1] += 1
        if refused != (row["label"] == "deny"):
            kind = "refused wrongly" if refused else "missed"
            print(f"{kind}: {row['command']!r} {done.stderr.decode().strip()}")
    for label, text in (("deny", "dangerous refused"), ("allow", "harmless refused")):
        refused, total = seen[label]
        print(f"{text}: {refused} of {total} ({100 * refused / max(total, 1):.2f} %)")


def spent(argv, given):
    start = time.perf_counter()
    subprocess.run(argv, input=given, capture_output=True)
    return time.perf_counter() - start


def times(program, count):
    commands = ["git status", "cd src && cargo test --lib 2>&1 | grep -E 'FAILED|ok' | sort | uniq -c | head -20; git diff --stat"]
    hook, true = [], []
    for turn in range(count):
        hook.append(spent([program, "guard"], question(commands[turn % 2])))
        true.append(spent(["/bin/true"], b""))
    a, b = statistics.median(hook), statistics.median(true)
    print(f"hook {1000 * a:.2f} ms, true {1000 * b:.2f} ms, {a / b:.2f} times")


def main():
    if len(sys.argv) not in (3, 5):
        sys.exit(__doc__)
    program, corpus = sys.argv[1:3]
    with open(corpus, encoding="utf-8") as lines:
        rates(program, [json.loads(line) for line in lines if line.strip()])
    if len(sys.argv) == 5 and sys.argv[3] == "--time":
        times(program, int(sys.argv[4]))


if __name__ == "__main__":
    main()
