"""What every application's page is asked, and the php.ini that they are run with.

SPDX-License-Identifier: MIT
"""

INI = """
display_errors = 0
log_errors = 1
error_reporting = E_ALL & ~E_DEPRECATED & ~E_NOTICE & ~E_WARNING
memory_limit = 256M
upload_max_filesize = 20M
date.timezone = UTC
"""
TROUBLES = ("Fatal error", "<b>Warning</b>", "<b>Deprecated</b>", "Uncaught")


def assert_status(response, status):
    assert response.status_code == status, (response.status_code, response.headers, response.text[:2000])


def assert_sound(text, *own_troubles):
    """Shows no error of PHP, nor one of the application."""
    for trouble in (*TROUBLES, *own_troubles):
        assert trouble not in text, text[max(0, text.find(trouble) - 200) :][:1200]


def whole_page(response, status, *own_troubles):
    """The text of a page that has its end and shows no error."""
    assert_status(response, status)
    assert "</html>" in response.text, response.text[-500:]
    assert_sound(response.text, *own_troubles)
    return response.text
