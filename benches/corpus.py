#!/usr/bin/env python3
"""Makes transcripts as Claude Code writes them, with a total that is known beforehand.

    benches/corpus.py --out DIR [--files 3000] [--seed 7]

DIR/home/.claude/projects holds the transcripts, DIR/truth.json what the day cost: summed from the
plan of each call while it is made, never by reading the files. The same arguments make the same
bytes. Nothing of anybody's transcripts goes in; all text is random words.
"""

import argparse
import bisect
import datetime as dt
import json
import os
import random
import sys
import zoneinfo

VERSION = 1  # of what the generator makes; older ones are made anew

DATE, ZONE, DAYS = "2026-11-20", "America/Toronto", 45

# Dollars per million tokens in thousandths, which is nano-dollars per token: input, output,
# 5-minute write, 1-hour write, read; then the same in fast mode.
RATES = {
    "claude-opus-4-6": ((5000, 25000, 6250, 10000, 500), (30000, 150000, 37500, 60000, 3000)),
    "claude-opus-5-5": ((4000, 20000, 5000, 8000, 200), (8000, 40000, 10000, 16000, 400)),
    "claude-sonnet-4-5-20250929": ((3000, 15000, 3750, 6000, 300), None),
    "claude-sonnet-5": ((2000, 10000, 2500, 4000, 200), None),
    "claude-haiku-4-5-20251001": ((1000, 5000, 1250, 2000, 100), None),
}
WEB_SEARCH = 10_000_000


class Pool:
    """Text to cut results of tools from: long, cheap to cut, and valid inside a JSON string."""

    def __init__(self, rng):
        words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 10)))
                 for _ in range(3000)]
        words += ["usage", "assistant", "input_tokens", "return", "message", "cost"] * 5
        lines = []
        for _ in range(60_000):
            line = " " * rng.choice((0, 4, 8)) + " ".join(rng.choices(words, k=rng.randint(2, 14)))
            lines.append(json.dumps(line + rng.choice(("\n", '"\n', "\t\n")))[1:-1].encode())
        self.text = b"".join(lines)
        self.ends = [0]
        for line in lines:
            self.ends.append(self.ends[-1] + len(line))
        self.image = bytes(rng.choices(
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", k=4 << 20))

    def cut(self, rng, size):
        begin = self.ends[rng.randrange(len(self.ends) // 2)]
        end = self.ends[bisect.bisect(self.ends, min(begin + size, len(self.text))) - 1]
        return self.text[begin:end]

    def picture(self, rng, size):
        begin = rng.randrange(len(self.image) - size)
        return self.image[begin:begin + size]


class Corpus:
    def __init__(self, out, files, seed):
        self.projects = os.path.join(out, "home", ".claude", "projects")
        self.files = files
        self.rng = random.Random(seed)
        self.pool = Pool(self.rng)
        zone = zoneinfo.ZoneInfo(ZONE)
        today = dt.date.fromisoformat(DATE)

        def midnight(day):
            local = dt.datetime(day.year, day.month, day.day, tzinfo=zone)
            return local.astimezone(dt.timezone.utc).timestamp()

        self.begin, self.end = midnight(today), midnight(today + dt.timedelta(days=1))
        self.nanos = self.calls = self.rows = self.lines = self.bytes = self.all_calls = 0

    def name(self, kind):
        return f"{kind}{self.rng.getrandbits(96):024x}"

    def uuid(self):
        n = f"{self.rng.getrandbits(128):032x}"
        return f"{n[:8]}-{n[8:12]}-{n[12:16]}-{n[16:20]}-{n[20:]}"

    def make(self):
        parent = None
        for number in range(self.files):
            agent = parent is not None and self.rng.random() < 0.38
            fork = parent is not None and not agent and self.rng.random() < 0.05
            made = self.file(number, parent if agent or fork else None, agent)
            if not agent:
                parent = made

    def file(self, number, parent, agent):
        rng = self.rng
        project = f"-home-u-project-{number % 40:02}"
        session = parent["session"] if agent else self.uuid()
        if parent:
            project = parent["project"]
        folder = os.path.join(self.projects, project)
        path = os.path.join(folder, f"{session}.jsonl")
        if agent:
            folder = os.path.join(folder, session, "subagents")
            path = os.path.join(folder, f"agent-{rng.getrandbits(64):016x}.jsonl")
        made = {"session": session, "project": project, "rows": []}
        cwd = "/" + project[1:].replace("-", "/", 2)
        about = (session, cwd, "true" if agent else "false")

        clock = self.begin - rng.randrange(DAYS) * 86_400 + rng.uniform(0, 86_000)
        calls = rng.randint(5, 52)
        resumed = rng.randrange(calls) if rng.random() < 0.02 else None
        out = [b'{"type":"queue-operation","operation":"enqueue","timestamp":"%s","sessionId":"%s",'
               b'"content":"go"}' % (stamp(clock), session.encode()),
               b'{"type":"attachment","sessionId":"%s","attachment":{"systemPrompt":["%s"]}}'
               % (session.encode(), self.pool.cut(rng, 26_000))]
        if parent and not agent:
            # A fork begins with what it was forked from, under its own name.
            old, new = (f'"sessionId":"{s["session"]}"'.encode() for s in (parent, made))
            copied = parent["rows"][:rng.randint(1, max(1, len(parent["rows"])))]
            out += [row.replace(old, new) for row in copied]
        model = rng.choices(list(RATES), weights=(35, 25, 15, 10, 15))[0]
        for index in range(calls):
            if index == resumed:
                clock = max(clock, self.begin + rng.uniform(0, 70_000))
            clock = self.call(out, made["rows"], about, model, clock)
            self.result(out, about, clock)
            clock += rng.expovariate(1 / 150)
        if rng.random() < 0.2:
            out.append(b'{"type":"last-prompt","lastPrompt":"go","sessionId":"%s"}'
                       % session.encode())
        os.makedirs(folder, exist_ok=True)
        content = b"\n".join(out) + b"\n"
        with open(path, "wb") as file:
            file.write(content)
        os.utime(path, (clock, clock))
        self.lines += len(out)
        self.bytes += len(content)
        return made

    def call(self, out, kept, about, model, clock):
        """One call of a model: a row for each block of its answer."""
        rng = self.rng
        counts = [rng.randint(1, 60), int(rng.lognormvariate(5.6, 1)) + 2,
                  int(rng.lognormvariate(7.3, 1)), 0, rng.randint(8_000, 140_000)]
        kind = rng.random()
        hour = counts[2] if kind < 0.7 else counts[2] // 2 if kind < 0.75 else 0
        fast = RATES[model][1] is not None and rng.random() < 0.04
        us, searches = rng.random() < 0.01, rng.randint(1, 3) if rng.random() < 0.01 else 0
        message = self.name("msg_01")
        request = b"" if rng.random() < 0.01 else b'"requestId":"%s",' % self.name("req_01").encode()
        blocks = rng.choices((1, 2, 3, 4), weights=(42, 36, 17, 5))[0]
        grows = blocks > 1 and rng.random() < 0.3
        cut = not grows and rng.random() < 0.01
        if cut:
            counts[1] = 1
        ended = clock
        for block in range(blocks):
            last = block + 1 == blocks
            output = counts[1] if last or not grows else 1 + block
            if grows and last and output > 1 + block:
                ended = clock
            row = (b'{"parentUuid":"%s","isSidechain":%s,"message":{"model":"%s","id":"%s","type":'
                   b'"message","role":"assistant","content":[{"type":"text","text":"%s"}],'
                   b'"stop_reason":%s,"stop_sequence":null,"usage":{"input_tokens":%d,'
                   b'"cache_creation_input_tokens":%d,"cache_read_input_tokens":%d,'
                   b'"output_tokens":%d,"server_tool_use":{"web_search_requests":%d,'
                   b'"web_fetch_requests":0},"service_tier":"standard","cache_creation":'
                   b'{"ephemeral_1h_input_tokens":%d,"ephemeral_5m_input_tokens":%d},'
                   b'"inference_geo":"%s","iterations":[],"speed":"%s"}},%s"type":"assistant",'
                   b'"uuid":"%s","timestamp":"%s","userType":"external","cwd":"%s",'
                   b'"sessionId":"%s","version":"2.1.329","gitBranch":"main"}'
                   % (self.uuid().encode(), about[2].encode(), model.encode(), message.encode(),
                      self.pool.cut(rng, rng.randint(80, 1_300)), b'"tool_use"' if last else b"null",
                      counts[0], counts[2], counts[4], output, searches, hour, counts[2] - hour,
                      b"us" if us else b"", b"fast" if fast else b"standard", request,
                      self.uuid().encode(), stamp(clock), about[1].encode(), about[0].encode()))
            out.append(row)
            if len(kept) < 20:
                kept.append(row)
            self.rows += 1
            clock += rng.uniform(0.05, 4)
        self.all_calls += 1
        # As the files have it, to the millisecond.
        if self.begin <= int(ended * 1000) / 1000 < self.end:
            self.calls += 1
            self.nanos += price(model, fast, us, searches, counts, hour)
        return clock

    def result(self, out, about, clock):
        """What the tool said: most of a transcript's bytes, some of it like a call."""
        rng = self.rng
        kind = rng.random()
        note = b""
        if kind < 0.05:
            size = rng.randint(60_000, 220_000)
            content = (b'[{"type":"image","source":{"type":"base64","media_type":"image/png",'
                       b'"data":"%s"}}]' % self.pool.picture(rng, size))
        elif kind < 0.06 and out:
            # It read a transcript.
            content = json.dumps(out[-1].decode()).encode()
            note = (b',"toolUseResult":{"usage":{"input_tokens":5,"output_tokens":999},'
                    b'"model":null,"id":null}')
        else:
            size = rng.randint(500, 7_000) if kind < 0.7 else rng.randint(8_000, 44_000)
            content = b'"%s"' % self.pool.cut(rng, size)
        out.append(b'{"parentUuid":"%s","isSidechain":%s,"type":"user","message":{"role":"user",'
                   b'"content":[{"tool_use_id":"%s","type":"tool_result","content":%s}]},"uuid":"%s",'
                   b'"timestamp":"%s","cwd":"%s","sessionId":"%s"%s}'
                   % (self.uuid().encode(), about[2].encode(), self.name("toolu_").encode(), content,
                      self.uuid().encode(), stamp(clock), about[1].encode(), about[0].encode(), note))
        if rng.random() < 0.01:
            out.append(b'{"type":"assistant","isApiErrorMessage":true,"message":{"model":"<synthetic>",'
                       b'"id":"%s","role":"assistant","content":[],"usage":{"input_tokens":0,'
                       b'"output_tokens":0}},"uuid":"%s","timestamp":"%s","sessionId":"%s"}'
                       % (self.name("msg_").encode(), self.uuid().encode(), stamp(clock),
                          about[0].encode()))
        if rng.random() < 0.03 and b'"type":"assistant"' in out[-2]:
            out.append(b'{"type":"progress","timestamp":"%s","sessionId":"%s","data":{"message":%s}}'
                       % (stamp(clock), about[0].encode(), out[-2]))


def price(model, fast, us, searches, counts, hour):
    """Nano-dollars of a call, by the rule that Claude Code has."""
    fresh, output, short, long, read = RATES[model][1 if fast else 0]
    nanos = (counts[0] * fresh + counts[1] * output + counts[4] * read
             + hour * long + (counts[2] - hour) * short)
    if us:
        nanos = -(-nanos * 11 // 10)
    return nanos + searches * WEB_SEARCH


def stamp(seconds):
    whole = int(seconds)
    time = dt.datetime.fromtimestamp(whole, dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{time}.{int(seconds * 1000) % 1000:03}Z".encode()


def make(out, files=3000, seed=7):
    """Makes the corpus, or takes one that is there; gives its truth."""
    plan = {"version": VERSION, "files": files, "seed": seed, "date": DATE, "zone": ZONE}
    told = os.path.join(out, "truth.json")
    try:
        with open(told, encoding="utf-8") as file:
            truth = json.load(file)
        if truth["plan"] == plan:
            return truth
    except (OSError, ValueError, KeyError):
        pass
    if os.path.isdir(out) and os.listdir(out):
        sys.exit(f"{out} holds something else; remove it, or give another --out")
    corpus = Corpus(out, files, seed)
    corpus.make()
    truth = {
        "plan": plan, "date": DATE, "zone": ZONE, "nano_usd": corpus.nanos,
        "micro_usd": -(-corpus.nanos // 1000), "calls": corpus.calls, "files": files,
        "bytes": corpus.bytes, "lines": corpus.lines, "rows": corpus.rows,
        "calls_of_all_days": corpus.all_calls,
    }
    with open(told, "w", encoding="utf-8") as file:
        json.dump(truth, file, indent=1)
        file.write("\n")
    return truth


def main():
    parser = argparse.ArgumentParser(description="Makes transcripts whose total is known.")
    parser.add_argument("--out", required=True, help="an empty or new directory")
    parser.add_argument("--files", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    print(json.dumps(make(given.out, given.files, given.seed), indent=1))


if __name__ == "__main__":
    main()
