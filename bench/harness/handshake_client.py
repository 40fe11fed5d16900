# SPDX-License-Identifier: MIT
"""Clients that shake hands over TLS 1.3, ask for a path once and close; prints one line of JSON like wrk's.

Arguments: port, path, seconds, clients (processes), "full" or "resumed".
"""
import json
import multiprocessing
import socket
import ssl
import sys
import time


def visit(context, port, request, session):
    raw = socket.create_connection(("127.0.0.1", port), 10)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with context.wrap_socket(raw, server_hostname="localhost", session=session) as wire:
        wire.sendall(request)
        answer = b""
        while piece := wire.recv(65536):
            answer += piece
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise ConnectionError(answer[:100])
        return wire.session, wire.session_reused


def client(port, path, seconds, resumes, results):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    session = visit(context, port, request, None)[0] if resumes else None
    times, errors, wrong = [], 0, 0
    end = time.perf_counter() + seconds
    while (begun := time.perf_counter()) < end:
        try:
            session_after, reused = visit(context, port, request, session)
            wrong += reused != resumes
            session = session_after if resumes else None
            times.append(int((time.perf_counter() - begun) * 1e6))
        except OSError:
            errors += 1
    results.put((times, errors, wrong))


def main():
    port, path, seconds, clients, kind = int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
    results = multiprocessing.Queue()
    processes = [multiprocessing.Process(target=client, args=(port, path, seconds, kind == "resumed", results)) for _ in range(clients)]
    begun = time.perf_counter()
    for process in processes:
        process.start()
    found = [results.get() for _ in processes]
    for process in processes:
        process.join()
    elapsed = time.perf_counter() - begun
    times = sorted(time_us for one, _, _ in found for time_us in one)
    shares = {"p50_us": 0.5, "p90_us": 0.9, "p99_us": 0.99, "p999_us": 0.999, "max_us": 1.0}
    at = {name: times[min(int(len(times) * share), len(times) - 1)] if times else 0 for name, share in shares.items()}
    errors = {"connect": sum(one[1] for one in found), f"not {kind}": sum(one[2] for one in found)}
    print(json.dumps({"requests": len(times), "duration_us": int(elapsed * 1e6), **at, "errors": errors}))


if __name__ == "__main__":
    main()
