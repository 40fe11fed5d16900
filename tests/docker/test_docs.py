"""The examples of docs/docker.md and docs/kubernetes.md do what the pages say.

SPDX-License-Identifier: MIT
"""

import json
import pathlib
import re

import jsonschema
import pytest
import yaml

import engine as engines
import kubernetes_fields
import manifests

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
EXTENSION = {
    "config.m4": "PHP_ARG_ENABLE([myextension],,,[yes])\nPHP_NEW_EXTENSION(myextension, myextension.c, $ext_shared)\n",
    "myextension.c": """
#include <php.h>
ZEND_FUNCTION(my_answer) { ZEND_PARSE_PARAMETERS_NONE(); RETURN_LONG(42); }
ZEND_BEGIN_ARG_INFO_EX(arguments, 0, 0, 0) ZEND_END_ARG_INFO()
static const zend_function_entry functions[] = {ZEND_FE(my_answer, arguments) ZEND_FE_END};
zend_module_entry myextension_module_entry = {STANDARD_MODULE_HEADER, "myextension", functions, NULL, NULL, NULL, NULL, NULL, "1", STANDARD_MODULE_PROPERTIES};
ZEND_GET_MODULE(myextension)
""",
}


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", (DOCS / page).read_text(), re.M | re.S)


@pytest.fixture(scope="module")
def engine():
    return engines.Engine()


@pytest.fixture
def context(tmp_path):
    (tmp_path / "public").mkdir()
    (tmp_path / "public/index.php").write_text("<?php echo function_exists('my_answer') ? my_answer() : 'none';")
    (tmp_path / "myextension").mkdir()
    for name, text in EXTENSION.items():
        (tmp_path / "myextension" / name).write_text(text)
    return tmp_path


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("number", "answer"), [(0, "none"), (1, "42")])
def test_images_made_from_ours(engine, context, number, answer):
    image = engine.image()
    text = blocks("docker.md", "dockerfile")[number]
    if "phpsrv:sdk" in text:
        text = text.replace("FROM phpsrv:sdk", f"FROM {engine.build('localhost/phpsrv:test-sdk', '--target=sdk')}")
    text = re.sub(r"^FROM phpsrv$", f"FROM {image}", text, flags=re.M)
    (context / "Dockerfile").write_text(text)
    tag = f"localhost/phpsrv:test-example-{number}"
    engine.run("buildah", "bud", "--format=docker", "--network=host", "-t", tag, "-f", context / "Dockerfile", context)
    with engines.Container(engine, tag) as running:
        assert running.get("/") == (200, answer)
        assert "/app/public/index.php" not in running.exec("find", "/app", "-user", "10001").stdout


def test_values(tmp_path):
    (text,) = blocks("kubernetes.md", "yaml")
    values = yaml.safe_load(text)
    values["image"]["digest"] = "sha256:" + "0" * 64
    jsonschema.validate(values, json.loads((manifests.CHART / "values.schema.json").read_text()))
    things, notes = manifests.render(manifests.renderer(tmp_path), tmp_path, values)
    assert [problem for thing in things for problem in kubernetes_fields.check(thing)] == []
    assert "https://shop.example/" in notes and {"Ingress", "ServiceMonitor"} <= {thing["kind"] for thing in things}
