# SPDX-License-Identifier: GPL-3.0-or-later
# This file imports ansible-core, which is under the GPL; it alone is under that licence.
"""Writes what happens in a play as JSON lines to a file of the supervisor's own."""
from __future__ import annotations

import hashlib
import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: secloop_events
type: notification
short_description: structured events for secloop
description: One sealed and numbered JSON object a line, to the file named by SECLOOP_EVENTS.
"""

PATH_ARGUMENTS = ("dest", "path", "name", "creates")
MAX_TEXT = 600


def short(value):
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "..."


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "secloop_events"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # Taken out of the environment, so that no module of the play can find the file.
        path = os.environ.pop("SECLOOP_EVENTS", None)
        key = os.environ.pop("SECLOOP_EVENTS_KEY", None)
        self.key = ""
        if key:
            with open(key, encoding="utf-8") as file:
                self.key = file.read()
            # Gone before the first task, which might read it.
            os.unlink(key)
        self.last = ""
        self.out = open(path, "a", encoding="utf-8") if path else None
        self.number = 0

    def emit(self, event, **fields):
        if self.out is None:
            return
        self.number += 1
        row = json.dumps({"n": self.number, "event": event, **fields}, default=str)
        # Each line seals those before it, so that none can be changed or left out.
        self.last = self.digest(self.digest(self.last + row))
        self.out.write(self.last + " " + row + "\n")
        self.out.flush()

    def digest(self, text):
        return hashlib.sha256((self.key + text).encode("utf-8")).hexdigest()

    # -- plays and tasks

    def v2_playbook_on_start(self, playbook):
        self.emit("start")

    def v2_playbook_on_play_start(self, play):
        self.emit("play", name=short(play.get_name() or ""))

    def v2_playbook_on_no_hosts_matched(self):
        self.emit("no_hosts")

    def v2_playbook_on_task_start(self, task, is_conditional):
        self.task_started(task, False)

    def v2_playbook_on_cleanup_task_start(self, task):
        self.task_started(task, False)

    def v2_playbook_on_handler_task_start(self, task):
        self.task_started(task, True)

    def task_started(self, task, handler):
        role = getattr(task, "_role", None)
        self.emit(
            "task",
            id=str(task._uuid),
            name=short(task.name or ""),
            action=str(task.action),
            where=str(task.get_path() or ""),
            role=role.get_name() if role is not None else "",
            handler=handler,
            **{"become": bool(getattr(task, "become", False))},
        )

    def v2_playbook_on_include(self, included_file):
        task = getattr(included_file, "_task", None)
        if task is not None:
            self.emit("result", id=str(task._uuid), status="ok", changed=False)

    # -- results

    def v2_runner_on_ok(self, result):
        self.result(result, "ok")

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.result(result, "ignored" if ignore_errors else "failed")

    def v2_runner_on_skipped(self, result):
        self.result(result, "skipped")

    def v2_runner_on_unreachable(self, result):
        self.result(result, "unreachable")

    def result(self, result, status):
        task = getattr(result, "task", None) or result._task
        data = getattr(result, "result", None) or getattr(result, "_result", None) or {}
        fields = getattr(result, "task_fields", None) or getattr(result, "_task_fields", {}) or {}
        host = getattr(result, "host", None) or getattr(result, "_host", None)
        hidden = bool(data.get("_ansible_no_log")) or bool(fields.get("no_log"))
        row = {
            "id": str(task._uuid),
            "host": str(host),
            "status": status,
            "changed": bool(data.get("changed")),
            "paths": [] if hidden else sorted(self.paths(fields.get("args"), data)),
            "entry_only": self.entry_only(str(task.action), fields.get("args"), data),
        }
        if not hidden:
            if status in ("failed", "ignored", "unreachable"):
                said = [data.get("msg"), data.get("stderr")]
                row["msg"] = short(": ".join(str(s) for s in said if s))
            command = self.command(fields.get("args"))
            if command:
                row["command"] = command
            domains = self.domains(fields.get("args"), data)
            if domains:
                row["domains"] = domains
            if isinstance(data.get("rc"), int):
                row["rc"] = data["rc"]
        self.emit("result", **row)

    @staticmethod
    def command(args):
        if not isinstance(args, dict):
            return None
        raw = args.get("_raw_params") or args.get("cmd") or args.get("argv")
        if raw is None:
            return None
        return short(" ".join(map(str, raw)) if isinstance(raw, list) else raw)

    @staticmethod
    def domains(args, data):
        """The domains of preferences that the task sets (macOS)."""
        looks = [args]
        for one in [data, *(data.get("results") or [])]:
            if isinstance(one, dict):
                looks.append((one.get("invocation") or {}).get("module_args"))
        found = {look.get("domain") for look in looks if isinstance(look, dict)}
        return sorted(d for d in found if isinstance(d, str) and d)

    @staticmethod
    def entry_only(action, args, data):
        """Whether the task makes directories and touches nothing in them."""
        if action.rsplit(".", 1)[-1] != "file":
            return False
        looks = [args]
        for one in [data, *(data.get("results") or [])]:
            if isinstance(one, dict):
                looks.append((one.get("invocation") or {}).get("module_args"))
        looks = [look for look in looks if isinstance(look, dict) and look.get("state")]
        plain = (False, None, "no", "false", "False", 0)
        return bool(looks) and all(
            look["state"] == "directory" and look.get("recurse") in plain for look in looks
        )

    def paths(self, args, data):
        found = set()

        def look(where):
            if isinstance(where, dict):
                for key in PATH_ARGUMENTS:
                    value = where.get(key)
                    if isinstance(value, str) and value.startswith(("/", "~")):
                        found.add(os.path.expanduser(value))

        look(args)
        for one in [data, *(data.get("results") or [])]:
            if isinstance(one, dict):
                look(one)
                look((one.get("invocation") or {}).get("module_args"))
        return found

    # -- end

    def v2_playbook_on_stats(self, stats):
        hosts = {}
        for host in sorted(stats.processed):
            hosts[str(host)] = stats.summarize(host)
        self.emit("stats", hosts=hosts)
