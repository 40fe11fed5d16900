/* What of PHP's settings may be shown.
 *
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/macros.h"
#include "config/option_secrets.h"

static void shown(void **state)
{
    (void)state;
    static const char *const all[] = {
        "memory_limit=256M",
        "session.save_path=/var/lib/php",
        "session.save_path=tcp://redis:6379?timeout=2",
        "error_log=/a@b:c",
        "zend_extension=opcache",
        "mysqli.default_pw=",
        "display_errors",
        "APP_ENV=prod",
        "KEYBOARD=de",
        "",
        "=",
        "user_agent=see http://host/a:b@c",
    };
    static const char *const cut[] = {
        "mysqli.default_pw=hunter2",
        "MYSQLI.DEFAULT_PW=hunter2",
        "newrelic.license=0123",
        "session.save_path=tcp://redis:6379?auth=hunter2",
        "session.save_path=tcp://redis:6379?auth[]=user&auth[]=hunter2",
        "session.save_path=tcp://user:hunter2@redis:6379",
        "app.db=host=h password=hunter2",
        "app.secret_value=x=y",
        "openssl.passphrase=x",
        "APP_KEY=base64:0123",
        "STRIPE_API_KEY=x",
        "MAIL_PASS=x",
        "DATABASE_URL=mysql://app:hunter2@db/app",
    };
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        print_message("%s\n", all[i]);
        assert_int_equal(psv_option_shown_len(psv_bytes_of(all[i])), strlen(all[i]));
    }
    for (size_t i = 0; i < ARRAY_SIZE(cut); i++) {
        print_message("%s\n", cut[i]);
        assert_int_equal(psv_option_shown_len(psv_bytes_of(cut[i])), strcspn(cut[i], "=") + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(shown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
