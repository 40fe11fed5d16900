"""The same page from two servers: equal but for what is different each time (nonces, times, tokens).

SPDX-License-Identifier: MIT
"""

FIELDS = ("Content-Type", "Location", "Cache-Control", "Expires", "Link", "Last-Modified", "X-Robots-Tag", "X-Frame-Options", "Referrer-Policy")


def normal(response, patterns):
    """Status, the fields that matter and the text, with what changes taken out."""
    text = response.text
    for pattern in patterns:
        text = pattern.sub("~", text)
    fields = [f"{name}: {value}" for name in FIELDS for value in response.headers.get_list(name)]
    cookies = sorted(value.partition("=")[0] for value in response.headers.get_list("Set-Cookie"))
    head = f"{response.status_code}\n" + "\n".join(fields) + f"\ncookies: {cookies}\n\n"
    for pattern in patterns:
        head = pattern.sub("~", head)
    return head + text


def assert_same(one, other, patterns):
    first, second = normal(one, patterns), normal(other, patterns)
    if first != second:
        # what surrounds the first difference; lines may be long
        at = next((i for i, (a, b) in enumerate(zip(first, second)) if a != b), min(len(first), len(second)))
        shown = [f"{name}: ...{text[max(0, at - 200) : at + 200]!r}" for name, text in (("phpsrv", first), ("nginx + php-fpm", second))]
        raise AssertionError(f"{one.request.url}\n" + "\n".join(shown))
