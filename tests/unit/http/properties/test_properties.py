# SPDX-License-Identifier: MIT
"""Properties of src/http/, with Python's own libraries as the second opinion."""
import ctypes
import datetime
import ipaddress
import posixpath
import urllib.parse
from email.utils import parsedate_to_datetime

import pytest

hypothesis = pytest.importorskip("hypothesis")
from hypothesis import HealthCheck, example, given, settings, strategies as st  # noqa: E402

settings.register_profile("http", deadline=None, max_examples=400, print_blob=False, database=None,
                          suppress_health_check=[HealthCheck.function_scoped_fixture])
settings.load_profile("http")

NO_TEXT = ctypes.c_size_t(-1).value
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def text_of(buffer, length):
    return None if length.value == NO_TEXT else buffer.raw[:length.value]


def parse_target(library, raw):
    """(path, query), or None when it is refused."""
    path, query = (ctypes.create_string_buffer(len(raw) + 1) for _ in range(2))
    path_len, query_len = ctypes.c_size_t(), ctypes.c_size_t()
    result = library.shim_target(raw, ctypes.c_size_t(len(raw)), path, ctypes.byref(path_len), query,
                                 ctypes.byref(query_len))
    return None if result != 0 else (text_of(path, path_len), text_of(query, query_len))


segments = st.lists(st.one_of(st.sampled_from([b"", b".", b"..", b"...", b"a", b"b.php", b".x"]),
                              st.binary(min_size=1, max_size=6).filter(lambda s: b"\0" not in s and b"/" not in s)),
                    max_size=8)


def quote(segment, how):
    if how == 0:
        return urllib.parse.quote_from_bytes(segment, safe="").encode()
    digits = "%%%02x" if how == 1 else "%%%02X"
    return "".join(digits % byte for byte in segment).encode()


# RFC 3986 5.2.4, with slashes merged as the file system does: posixpath.normpath does both.
@given(parts=segments, how=st.lists(st.integers(0, 2), min_size=8, max_size=8))
def test_target_is_normalised_like_a_posix_path(http_library, parts, how):
    raw = b"/" + b"/".join(quote(part, kind) for part, kind in zip(parts, how))
    depth, is_above = 0, False
    for part in parts:
        depth += {b"": 0, b".": 0, b"..": -1}.get(part, 1)
        is_above |= depth < 0
    found = parse_target(http_library, raw)
    if is_above:
        assert found is None
        return
    expected = posixpath.normpath(b"/" + b"/".join(parts))
    expected = b"/" + expected.lstrip(b"/")
    if expected != b"/" and (not parts or parts[-1] in (b"", b".", b"..")):
        expected += b"/"
    assert found == (expected, None)


@given(path=st.binary(max_size=40), query=st.one_of(st.none(), st.text("abc=&%/.?", max_size=10)))
def test_target_is_decoded_once(http_library, path, query):
    """Whatever was decoded: encoding it again and parsing that gives the same path."""
    raw = b"/" + urllib.parse.quote_from_bytes(path, safe="/%.").encode()
    raw += b"" if query is None else b"?" + query.encode()
    found = parse_target(http_library, raw)
    if found is None:
        return
    assert found[1] == (None if query is None else query.encode())
    assert b"\0" not in found[0] and b"//" not in found[0] and b"/../" not in found[0]
    again = urllib.parse.quote_from_bytes(found[0], safe="/").encode()
    assert parse_target(http_library, again) == (found[0], None)


@given(address=st.ip_addresses(), port=st.integers(0, 70000))
@example(address=ipaddress.ip_address("::ffff:192.0.2.1"), port=80)
def test_addresses_are_hosts(http_library, address, port):
    host = f"[{address}]" if address.version == 6 else str(address)
    text = (host + (f":{port}" if port else "")).encode()
    found, found_len, found_port = ctypes.create_string_buffer(len(text)), ctypes.c_size_t(), ctypes.c_uint()
    result = http_library.shim_authority(text, ctypes.c_size_t(len(text)), found, ctypes.byref(found_len),
                                         ctypes.byref(found_port))
    assert (result == 0) == (port <= 65535)
    if result == 0:
        assert (text_of(found, found_len), found_port.value) == (host.encode(), port)


def parse_date(library, text, reference=1_795_000_000):
    found = ctypes.c_longlong()
    result = library.shim_date_parse(text, ctypes.c_size_t(len(text)), ctypes.c_longlong(reference), ctypes.byref(found))
    return None if result != 0 else found.value


moments = st.datetimes(datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31, 23, 59, 59),
                       timezones=st.just(datetime.timezone.utc)).map(lambda t: t.replace(microsecond=0))


@given(moment=moments)
def test_dates_agree_with_datetime(http_library, moment):
    unix_s = (moment - EPOCH) // datetime.timedelta(seconds=1)
    imf, iso, clf = (ctypes.create_string_buffer(32) for _ in range(3))
    http_library.shim_date(ctypes.c_longlong(unix_s), imf, iso, clf)
    year = f"{moment.year:04}"
    assert imf.value.decode() == moment.strftime(f"%a, %d %b {year} %H:%M:%S GMT")
    assert iso.value.decode() == moment.strftime(f"{year}-%m-%dT%H:%M:%S.000Z")
    assert clf.value.decode() == moment.strftime(f"%d/%b/{year}:%H:%M:%S +0000")
    assert parse_date(http_library, imf.value) == unix_s
    assert parse_date(http_library, moment.strftime(f"%a %b {moment.day:2} %H:%M:%S {year}").encode()) == unix_s
    if moment.year >= 1000:
        assert parsedate_to_datetime(imf.value.decode()) == moment


@given(moment=moments, reference=moments.filter(lambda t: 200 <= t.year <= 9900))
def test_two_digit_years_are_at_most_50_years_ahead(http_library, moment, reference):
    """RFC 9110 5.6.7."""
    reference_s = (reference - EPOCH) // datetime.timedelta(seconds=1)
    text = moment.strftime("%A, %d-%b-") + f"{moment.year % 100:02}" + moment.strftime(" %H:%M:%S GMT")
    found = parse_date(http_library, text.encode(), reference_s)
    if found is None:
        assert (moment.month, moment.day) == (2, 29)
        return
    date = EPOCH + datetime.timedelta(seconds=found)
    assert (date.year - moment.year) % 100 == 0
    assert (date.month, date.day, date.time()) == (moment.month, moment.day, moment.time())
    limit_day = min(reference.day, 28) if reference.month == 2 else reference.day
    limit = reference.replace(year=reference.year + 50, day=limit_day)
    assert limit - datetime.timedelta(days=36526) < date <= limit + datetime.timedelta(days=1)


numbers = st.one_of(st.integers(0, 30), st.integers(0, 2**64 - 1), st.integers(0, 2**80))
specs = st.one_of(st.tuples(numbers, numbers).map(sorted).map(tuple), st.tuples(numbers, st.none()),
                  st.tuples(st.none(), numbers))


@given(size=st.one_of(st.integers(1, 40), st.integers(1, 2**64 - 1)), asked=st.lists(specs, min_size=1, max_size=20),
       most=st.integers(0, 20), separator=st.sampled_from([",", ", ", ",, ", "\t,"]))
def test_ranges_cover_what_was_asked(http_library, size, asked, most, separator):
    text = "bytes=" + separator.join(f"{'' if a is None else a}-{'' if b is None else b}" for a, b in asked)
    pairs, pairs_len = (ctypes.c_uint64 * 128)(), ctypes.c_uint()
    verdict = http_library.shim_ranges(text.encode(), ctypes.c_size_t(len(text)), ctypes.c_uint64(size),
                                       ctypes.c_uint(most), pairs, ctypes.byref(pairs_len))
    found = [(pairs[2 * i], pairs[2 * i] + pairs[2 * i + 1]) for i in range(pairs_len.value)]
    wanted = []
    for first, last in asked:
        begin = max(0, size - last) if first is None else first
        end = size if first is None or last is None else min(last + 1, size)
        if begin < end:
            wanted.append((begin, end))
    joined = []
    for begin, end in sorted(wanted):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    if len(asked) > most:
        assert (verdict, found) == (0, [])
    elif not joined:
        assert (verdict, found) == (2, [])
    else:
        assert (verdict, sorted(found)) == (1, joined)
        if joined == sorted(wanted):
            assert found == wanted  # nothing to join: the client's order


@given(parts=st.lists(st.sampled_from([b"a.php", b"b.php", b".php", b"c", b"d.PHP", b"e.php5", b"\xc3\xa4.php"]), max_size=8))
def test_script_candidates(http_library, parts):
    path = b"".join(b"/" + part for part in parts)
    ends = (ctypes.c_size_t * 16)()
    count = http_library.shim_scripts(path, ctypes.c_size_t(len(path)), ends, 16)
    expected, length = [], 0
    for part in parts:
        length += 1 + len(part)
        if part.endswith(b".php") and part != b".php":
            expected.append(length)
    assert list(ends[:count]) == expected


@given(a=st.tuples(st.integers(0, 2**64 - 1), st.integers(-2**63, 2**63 - 1)),
       b=st.tuples(st.integers(0, 2**64 - 1), st.integers(-2**63, 2**63 - 1)))
def test_entity_tags_tell_versions_apart(http_library, a, b):
    def tag(version):
        out = ctypes.create_string_buffer(40)
        length = http_library.shim_etag(ctypes.c_uint64(version[0]), ctypes.c_longlong(version[1]), out)
        return out.raw[:length]

    assert (tag(a) == tag(b)) == (a == b)
    assert tag(a)[:1] == tag(a)[-1:] == b'"' and len(tag(a)) <= 35
