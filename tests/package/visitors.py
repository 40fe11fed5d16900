"""Asks for a URL all the time, four at once, each request on a connection of its own, until standard input ends; prints
{"answers": how many, "wrong": what was not the expected body}. A program of its own, so that it can be run in another network.

SPDX-License-Identifier: MIT
"""

import json
import sys
import threading
import urllib.request

url, expected = sys.argv[1:3]
stopping = threading.Event()
wrong = []
answers = [0] * 4


def visit(number):
    while not stopping.is_set():
        try:
            with urllib.request.urlopen(url, timeout=60) as response:
                answer = response.read().decode()
        except OSError as error:
            answer = repr(error)
        if answer != expected:
            wrong.append(answer)
        answers[number] += 1
        stopping.wait(0.005)


threads = [threading.Thread(target=visit, args=(number,)) for number in range(4)]
for thread in threads:
    thread.start()
print("visiting", flush=True)
sys.stdin.read()
stopping.set()
for thread in threads:
    thread.join()
print(json.dumps({"answers": sum(answers), "wrong": wrong[:10]}))
