"""Reads a Dockerfile and looks for what hadolint looks for; its rule numbers are used, so that its pages explain them.

SPDX-License-Identifier: MIT
"""

import json
import re
import shlex
from typing import Dict, List, NamedTuple

KNOWN = set("ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR".split())


class Instruction(NamedTuple):
    line: int
    name: str
    text: str


class Finding(NamedTuple):
    line: int
    rule: str
    words: str


class Stage(NamedTuple):
    base: str
    name: str
    instructions: List[Instruction]


def parse(text: str) -> List[Instruction]:
    """Instructions with their lines joined; comments inside them are left out, as the builder does."""
    found, parts, start = [], [], 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#") or (not line.strip() and not parts):
            continue
        start = start if parts else number
        is_continued = line.rstrip().endswith("\\")
        parts.append(line.rstrip().rstrip("\\").strip())
        if not is_continued:
            name, _, rest = " ".join(parts).partition(" ")
            found.append(Instruction(start, name, rest.strip()))
            parts = []
    return found


def stages(instructions: List[Instruction]) -> List[Stage]:
    found: List[Stage] = []
    for one in instructions:
        if one.name == "FROM":
            words = [word for word in one.text.split() if not word.startswith("--")]
            found.append(Stage(words[0], words[2] if len(words) == 3 else "", []))
        elif found:
            found[-1].instructions.append(one)
    return found


def global_arguments(instructions: List[Instruction]) -> Dict[str, str]:
    """ARGs before the first FROM: the only ones that FROM sees."""
    found = {}
    for one in instructions:
        if one.name == "FROM":
            break
        if one.name == "ARG":
            name, _, value = one.text.partition("=")
            found[name] = value
    return found


def commands(text: str) -> List[str]:
    """The commands of a RUN in shell form, without its options."""
    text = re.sub(r"^(--\S+\s+)+", "", text)
    return [part.strip(" (){};!") for part in re.split(r"&&|\|\||;|(?<!\|)\|(?!\|)|\{|\}", text) if part.strip(" (){};!")]


def is_exec_form(text: str) -> bool:
    try:
        return isinstance(json.loads(text), list)
    except ValueError:
        return False


def check(text: str) -> List[Finding]:
    instructions = parse(text)
    found: List[Finding] = []

    def add(one, rule, words):
        found.append(Finding(one.line, rule, words))

    arguments, aliases, last_stage = global_arguments(instructions), set(), stages(instructions)
    for one in instructions:
        if one.name not in KNOWN:
            add(one, "DL1000", f"{one.name} is no instruction (in capitals)")
        if one.name == "FROM":
            words = [word for word in one.text.split() if not word.startswith("--")]
            base = re.sub(r"\$\{?(\w+)\}?", lambda match: arguments.get(match.group(1), ""), words[0])
            if "@" not in base and words[0] not in aliases:
                tag = base.rpartition("/")[2].partition(":")[2]
                if not tag:
                    add(one, "DL3006", f"the base {base} has no tag")
                elif tag == "latest":
                    add(one, "DL3007", "the base's tag is latest")
            if len(words) == 3 and words[2] in aliases:
                add(one, "DL3024", f"there is another stage named {words[2]}")
            aliases.add(words[2] if len(words) == 3 else "")
        if one.name == "MAINTAINER":
            add(one, "DL4000", "MAINTAINER is of the past: a label")
        if one.name == "ADD" and not re.search(r"https?://|\.(tar|tgz|txz)", one.text):
            add(one, "DL3020", "COPY does it")
        if one.name in ("CMD", "ENTRYPOINT") and not is_exec_form(one.text):
            add(one, "DL3025", f"{one.name} in the JSON form, so that signals reach the program")
        if one.name == "HEALTHCHECK" and one.text != "NONE" and not is_exec_form(one.text.partition("CMD")[2].strip()):
            add(one, "DL3025", "the health check in the JSON form: it needs no shell then")
        if one.name == "WORKDIR" and not re.match(r"^[/$\"]", one.text):
            add(one, "DL3000", "WORKDIR with an absolute path")
        if one.name == "EXPOSE" and any(not 0 < int(port.split("/")[0]) < 65536 for port in one.text.split() if port[0].isdigit()):
            add(one, "DL3011", "a port is 1 to 65535")
        if one.name == "COPY":
            sources = [word for word in shlex.split(one.text) if not word.startswith("--")]
            if len(sources) > 2 and not sources[-1].endswith("/") and sources[-1] != ".":
                add(one, "DL3021", "COPY of several needs a folder, with a slash behind it")
            source = re.search(r"--from=(\S+)", one.text)
            if source and source.group(1) not in aliases:
                add(one, "DL3022", f"COPY from a stage that is not there: {source.group(1)}")
        if one.name == "RUN":
            check_run(one, instructions, add)
    if last_stage:
        check_last(last_stage[-1], add, instructions)
    for name in ("CMD", "ENTRYPOINT", "HEALTHCHECK"):
        for stage in last_stage:
            same = [one for one in stage.instructions if one.name == name]
            for one in same[1:]:
                add(one, {"CMD": "DL4003", "ENTRYPOINT": "DL4004", "HEALTHCHECK": "DL3012"}[name], f"a second {name}")
    return sorted(found)


def check_run(one, instructions, add):
    text = re.sub(r"^(--\S+\s+)+", "", one.text)
    has_pipefail = any(other.name == "SHELL" and "pipefail" in other.text and other.line < one.line for other in instructions) or "set -o pipefail" in text
    if re.search(r"(?<!\|)\|(?!\|)", re.sub(r"'[^']*'|\"[^\"]*\"", "", text)) and not has_pipefail:
        add(one, "DL4006", "a pipe hides the failure of its first command: SHELL with pipefail")
    for command in commands(one.text):
        words = command.split()
        first = next((word for word in words if "=" not in word), "")
        if first == "sudo":
            add(one, "DL3004", "no sudo: USER")
        if first == "cd" and not is_exec_form(text):
            add(one, "DL3003", "WORKDIR in place of cd")
        if first == "apt":
            add(one, "DL3027", "apt is for people: apt-get")
        if "apt-get" not in words:
            continue
        if "upgrade" in words or "dist-upgrade" in words:
            add(one, "DL3005", "no upgrade in a layer: a newer base")
        if "install" in words:
            if "-y" not in words and "--yes" not in words and "-qy" not in words:
                add(one, "DL3014", "apt-get install -y")
            if "--no-install-recommends" not in words:
                add(one, "DL3015", "--no-install-recommends")
            if "apt-get update" not in text:
                add(one, "DL3009", "update and install in one layer")
            if "rm -rf /var/lib/apt/lists" not in text:
                add(one, "DL3009", "the lists stay in the layer")
    if "apt-get update" in text and "install" not in text:
        add(one, "DL3009", "an update alone is taken from the cache for ever")


def check_last(stage, add, instructions):
    """What the image is: the stage that is built when no other is named."""
    names = {one.name for one in stage.instructions}
    users = [one for one in stage.instructions if one.name == "USER"]
    last = stage.instructions[-1] if stage.instructions else instructions[-1]
    if not users or re.match(r"^(root|0)(:|$)", users[-1].text):
        add(users[-1] if users else last, "DL3002", "the last USER is root")
    elif not re.match(r"^[1-9]\d*(:[1-9]\d*)?$", users[-1].text):
        add(users[-1], "PSV001", "USER by number: Kubernetes' runAsNonRoot does not look names up")
    if "HEALTHCHECK" not in names:
        add(last, "DL3057", "no HEALTHCHECK")
