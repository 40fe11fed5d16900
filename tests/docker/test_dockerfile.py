"""The Dockerfile keeps the rules that hadolint would hold it to, and each rule finds what it is for.

SPDX-License-Identifier: MIT
"""

import pathlib
import re

import pytest

import dockerfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker/Dockerfile").read_text()
GOOD = """
ARG BASE=debian:bookworm-slim
FROM ${BASE} AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc && rm -rf /var/lib/apt/lists/*
FROM ${BASE}
COPY --from=build /a /b/
USER 10001
HEALTHCHECK CMD ["/b/check"]
ENTRYPOINT ["/b/a"]
"""


def test_no_findings():
    assert dockerfile.check(TEXT) == []


def test_good_has_no_findings():
    assert dockerfile.check(GOOD) == []


@pytest.mark.parametrize(("rule", "old", "new"), [
    ("DL1000", "USER 10001", "user 10001"),
    ("DL3000", "USER", "WORKDIR app\nUSER"),
    ("DL3002", "USER 10001", "USER root"),
    ("DL3002", "USER 10001", "USER 0:0"),
    ("DL3002", "USER 10001\n", ""),
    ("PSV001", "USER 10001", "USER www-data"),
    ("DL3003", "RUN apt-get", "RUN cd /x && apt-get"),
    ("DL3004", "RUN apt-get", "RUN sudo apt-get"),
    ("DL3005", "-y --no", "-y --no-install-recommends x && apt-get upgrade && apt-get install -y --no"),
    ("DL3006", "debian:bookworm-slim", "debian"),
    ("DL3007", "debian:bookworm-slim", "debian:latest"),
    ("DL3009", " && rm -rf /var/lib/apt/lists/*", ""),
    ("DL3009", "apt-get update && ", ""),
    ("DL3009", "RUN apt-get", "RUN apt-get update\nRUN apt-get"),
    ("DL3011", "USER", "EXPOSE 99999\nUSER"),
    ("DL3012", "ENTRYPOINT", 'HEALTHCHECK CMD ["x"]\nENTRYPOINT'),
    ("DL3014", "install -y", "install"),
    ("DL3015", "--no-install-recommends ", ""),
    ("DL3020", "COPY --from=build /a", "ADD a"),
    ("DL3021", "/a /b/", "/a /c /b"),
    ("DL3022", "--from=build", "--from=bild"),
    ("DL3024", "FROM ${BASE}\nCOPY", "FROM ${BASE} AS build\nCOPY"),
    ("DL3025", '["/b/a"]', "/b/a"),
    ("DL3025", 'CMD ["/b/check"]', "CMD /b/check"),
    ("DL3027", "apt-get update", "apt update"),
    ("DL3057", 'HEALTHCHECK CMD ["/b/check"]\n', ""),
    ("DL4003", "ENTRYPOINT", 'CMD ["x"]\nCMD ["y"]\nENTRYPOINT'),
    ("DL4004", "ENTRYPOINT", 'ENTRYPOINT ["x"]\nENTRYPOINT'),
    ("DL4006", "RUN apt-get", "RUN cat x | sort && apt-get"),
])  # fmt: skip
def test_each_rule_finds_what_it_is_for(rule, old, new):
    assert old in GOOD
    found = dockerfile.check(GOOD.replace(old, new, 1))
    assert rule in {finding.rule for finding in found}, found


def test_bases_are_pinned_by_argument():
    instructions = dockerfile.parse(TEXT)
    arguments = dockerfile.global_arguments(instructions)
    for stage in dockerfile.stages(instructions):
        assert stage.base in ("${BUILD_IMAGE}", "${DEBIAN_IMAGE}", "sdk", "extensions"), stage.base
    assert set(arguments) == {"BUILD_IMAGE", "DEBIAN_IMAGE"}


def test_the_image_is_described():
    last = dockerfile.stages(dockerfile.parse(TEXT))[-1]
    labels = " ".join(one.text for one in last.instructions if one.name == "LABEL")
    for name in ("title", "description", "licenses", "version", "revision", "base.name"):
        assert f"org.opencontainers.image.{name}=" in labels
    project = re.search(r"project\(phpsrv VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
    assert f"ARG VERSION={project}" in TEXT


def test_what_changes_often_comes_late():
    """A change of src/ must not build PHP again."""
    build = [one for stage in dockerfile.stages(dockerfile.parse(TEXT)) for one in stage.instructions]
    order = [one.text for one in build]
    php = next(i for i, text in enumerate(order) if "select_php.sh &&" in text)
    source = next(i for i, text in enumerate(order) if text.startswith("src "))
    assert php < source
    before = " ".join(one.text for one in build[:php] if one.name == "COPY")
    assert set(before.split()) <= {f"third_party/{name}" for name in ("", "lib.sh", "install_packages.sh", "packages.txt", "versions.sh", "apt_private.sh", "build_php.sh", "select_php.sh")}


def test_the_context_has_only_what_is_copied():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = {line[1:] for line in ignored if line.startswith("!")}
    assert "*" in ignored
    for stage in dockerfile.stages(dockerfile.parse(TEXT)):
        for one in stage.instructions:
            if one.name == "COPY" and "--from=" not in one.text:
                for source in one.text.split()[:-1]:
                    assert any(source == name or source.startswith(name + "/") for name in allowed), source
                    assert (ROOT / source).exists(), source
