"""What holds for every framework in worker mode: the applications of frameworks/ answer the same paths, see their README.

SPDX-License-Identifier: MIT
"""

import collections
import hashlib
import socket

from pages import assert_sound
from testenv import wait_until
from worker_site import THREADS, Client

SECRET = "secret of the visitor"


def multipart(name, content, **fields):
    lines = [f'--edge\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode() for key, value in fields.items()]
    lines.append(f'--edge\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: text/plain\r\n\r\n'.encode() + content + b"\r\n")
    return b"".join([*lines, b"--edge--\r\n"]), "multipart/form-data; boundary=edge"


class WorkerContract:
    """A file of tests has a fixture `site` and a class that is derived from this one."""

    SESSION = "PHPSESSID"
    ERRORS = {"name", "email", "age"}
    EXCEPTION_LOG = "secret of the visitor"
    REQUESTS = 2500

    def test_is_booted_once(self, site):
        answers = site.in_parallel(lambda i: site.ask(f"/hello/n{i}?token={i}"), range(200), 8)
        assert {answer.status for answer in answers} == {200}, answers[0].text[:3000]
        assert len(site.boots()) == THREADS, "each thread has booted it, and has not again"
        assert {answer.boot for answer in answers} <= set(site.boots())
        assert len({answer.headers["X-Boot-Ms"] for answer in answers}) <= THREADS
        counts = collections.defaultdict(list)
        for answer in answers:
            counts[answer.boot].append(int(answer.headers["X-Served"]))
        for served in counts.values():
            assert sorted(served) == list(range(1, len(served) + 1))

    def test_requests_are_not_mixed_up(self, site):
        def ask(i):
            form = {"text": f"text {i}" + " x" * (i % 7) * 500} if i % 2 else None
            answer = site.ask(f"/hello/name{i}?token=t{i}", form, Cookie=f"who=w{i}", X_Token=f"f{i}")
            assert_sound(answer.text)
            wanted = {"name": f"name{i}", "token": f"t{i}", "cookie": f"w{i}", "field": f"f{i}", "text": form and form["text"]}
            return answer.status, answer.json() == wanted, f"seen=name{i}" in (answer.headers["Set-Cookie"] or "")

        assert set(site.in_parallel(ask, range(300), 100)) == {(200, True, True)}

    def test_sessions_are_of_their_clients(self, site):
        def visit(i):
            client = Client(site.server.address)
            answer = client.ask("/login", {"user": f"user{i}"})
            assert answer.status == 302 and answer.headers["Location"].endswith("/visits"), (answer.status, answer.text[:2000])
            found = []
            cookies = answer.cookies()
            for _ in range(5):
                answer = client.ask("/visits", Cookie=cookies)
                found.append(answer.json())
                cookies = answer.cookies() or cookies
            client.close()
            return found == [{"user": f"user{i}", "visits": n} for n in range(1, 6)], cookies

        visits = site.in_parallel(visit, range(24), 12)
        assert all(is_own for is_own, _ in visits)
        assert len({cookies for _, cookies in visits}) == 24
        stranger = site.ask("/visits")
        assert stranger.json() == {"user": None, "visits": 1} and self.SESSION in stranger.cookies()

    def test_validation(self, site):
        answer = site.ask("/register", {"name": "ab", "email": "nobody", "age": "7"}, Accept="application/json")
        assert answer.status == 422, answer.text[:2000]
        assert set(answer.json()["errors"]) == self.ERRORS
        answer = site.ask("/register", {"name": "abc", "email": "a@test.example", "age": "18"}, Accept="application/json")
        assert answer.status == 201 and answer.json() == {"name": "abc", "email": "a@test.example", "age": "18"}

    def test_uploads(self, site):
        def send(i):
            content = f"file {i}\n".encode() * (i * 500 + 1)
            body, kind = multipart(f"f {i}.txt", content, note=f"note {i}")
            answer = site.ask("/upload", body=body, Content_Type=kind)
            wanted = {"name": f"f {i}.txt", "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), "note": f"note {i}"}
            return answer.status, answer.json() == wanted

        assert set(site.in_parallel(send, range(24), 12)) == {(200, True)}

    def test_streams(self, site):
        with socket.create_connection(site.server.address, timeout=60) as connection:
            connection.sendall(b"GET /stream?key=a HTTP/1.0\r\nHost: h\r\n\r\n")
            file = connection.makefile("rb")
            while (line := file.readline()) != b"first a\n":
                assert line, "the stream has ended early"
            site.open("gate-a")
            assert file.read() == b"last a\n"

    def test_a_client_that_goes_away_takes_nothing_along(self, site):
        before = site.boots()
        with socket.create_connection(site.server.address, timeout=60) as connection:
            connection.sendall(b"GET /stream?key=b HTTP/1.0\r\nHost: h\r\n\r\n")
            file = connection.makefile("rb")
            while file.readline() != b"first b\n":
                pass
        site.open("gate-b")
        assert {answer.status for answer in site.in_parallel(lambda i: site.ask(f"/hello/{i}"), range(20), THREADS)} == {200}
        assert site.boots() == before

    def test_work_after_the_response(self, site):
        answer = site.ask("/late?key=c")
        assert answer.status == 200 and answer.text == "early answer", answer.text[:2000]
        assert not (site.folder / "late-c").exists()
        site.open("gate-c")
        wait_until(lambda: (site.folder / "late-c").exists() and (site.folder / "late-c").read_text() == "c", "the work after the response")

    def test_exceptions(self, site):
        before = site.boots()
        mark = site.server.mark()
        site.server.expect_log(self.EXCEPTION_LOG)
        answer = site.ask("/throw?token=the+visitor")
        assert answer.status == 500 and SECRET not in answer.text
        site.server.wait_line(self.EXCEPTION_LOG, after=mark)
        assert site.ask("/nothing/here").status == 404
        assert site.ask("/hello/after").status == 200
        assert site.boots() == before

    def test_exit_boots_anew(self, site):
        before = site.boots()
        answer = site.ask("/exit")
        assert answer.status == 200 and answer.text == "gone"
        wait_until(lambda: len(site.boots()) == len(before) + 1, "the thread has booted it again")
        assert {answer.status for answer in site.in_parallel(lambda i: site.ask(f"/hello/{i}"), range(20), 4)} == {200}

    def test_memory_is_flat(self, site):
        """What the same request takes when some hundred, and when some thousand were served."""
        before = site.boots()

        def ask(i):
            if i % 10 == 3:
                site.ask("/visits")
            if i % 10 == 6:
                site.ask("/register", {"name": "ab", "email": "nobody", "age": "7"}, Accept="application/json")
            answer = site.ask(f"/hello/name{i}?token={i}")
            assert answer.status == 200
            return answer.boot, int(answer.headers["X-Served"]), int(answer.headers["X-Memory"])

        taken = collections.defaultdict(list)
        for boot, _, memory in sorted(site.in_parallel(ask, range(self.REQUESTS), 4), key=lambda found: found[1]):
            taken[boot].append(memory)
        assert site.boots() == before
        for boot, series in taken.items():
            quarter = len(series) // 4
            if quarter < 50:
                continue  # this thread has served few
            early, late = min(series[quarter : 2 * quarter]), min(series[-quarter:])
            assert late - early < 32_768, (boot, early, late, len(series))
        assert any(len(series) >= self.REQUESTS // 3 for series in taken.values())


def check_max_requests(site, requests_max):
    """A script that ends itself after so many requests: nobody notices."""
    answers = site.in_parallel(lambda i: site.ask(f"/hello/n{i}?token={i}"), range(60), 6)
    assert [(answer.status, answer.json()["name"]) for answer in answers] == [(200, f"n{i}") for i in range(60)]
    served = collections.Counter(answer.boot for answer in answers)
    assert max(served.values()) <= requests_max
    assert len(served) >= 60 / requests_max
    # a server that is stopped while a script boots says so as an error
    wait_until(lambda: site.boots()[-1] not in served or served[site.boots()[-1]] < requests_max, "the last script is booted")
    assert "worker.script_failed" not in site.server.log and "worker.boot_failed" not in site.server.log
