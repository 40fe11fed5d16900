"""Sessions live in Redis: a login outlives the node that took it.

SPDX-License-Identifier: MIT
"""

import re

import httpx

NAME, PASSWORD = "ada", "correct horse"


def log_in(client, password=PASSWORD):
    form = client.get("/login.php").text
    token = re.search(r"name=token type=hidden value=(\w+)", form)[1]
    return client.post("/login.php", data={"name": NAME, "password": password, "token": token})


def test_wrong_password_and_foreign_form(cluster):
    with httpx.Client(base_url=cluster.url) as client:
        assert log_in(client, "wrong horse").status_code == 403
        assert "<form" in client.get("/login.php").text
        foreign = client.post("/login.php", data={"name": NAME, "password": PASSWORD, "token": "0" * 32})
        assert foreign.status_code == 403


def test_a_session_survives_the_death_of_its_node(cluster):
    """kill -9 for the server and its supervisor: the visitor does not notice, and still not when the node is back."""
    with httpx.Client(base_url=cluster.url) as client:
        before = client.get("/login.php").cookies["PHPSESSID"]
        answer = log_in(client)
        assert answer.status_code == 303 and client.cookies["PHPSESSID"] != before
        first = client.get("/login.php")
        assert first.text == "hello ada, visit 1"
        node = cluster.node(first.headers["X-Node"])
        node.kill_all()
        seen = set()
        for visit in range(2, 12):
            answer = client.get("/login.php")
            assert (answer.status_code, answer.text) == (200, f"hello ada, visit {visit}")
            seen.add(answer.headers["X-Node"])
        assert seen == {cluster.other(node).name}
        cluster.haproxy.wait_status(node, "DOWN")
        cluster.heal()
        visit = 12
        while node.name not in seen:
            answer = client.get("/login.php")
            assert (answer.status_code, answer.text) == (200, f"hello ada, visit {visit}")
            seen.add(answer.headers["X-Node"])
            visit += 1
            assert visit < 500, "the node that came back gets no requests"
