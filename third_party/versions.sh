# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: MIT
# What is fetched when the machine does not have it, and how PHP is configured. Sourced, not run.
# A change of PHP_CONFIGURE_FLAGS, PHP_CFLAGS, PHP_LDFLAGS or PHP_BUILD_REVISION makes a new PHP in the cache; the old one stays until it is removed.

# The Debian suite whose php8.4 sources and (on Debian 12) libllhttp-dev are used.
SOURCE_SUITE=trixie
PHP_SOURCE_PACKAGE=php8.4
PHP_OLDEST_ID=80300
PHP_BUILD_REVISION=1
# libphp.so calls its own functions directly, as a program does: nothing replaces them.
PHP_CFLAGS="-O2 -g1 -fno-semantic-interposition"
PHP_LDFLAGS="-Wl,-Bsymbolic-functions"
# PHPSRV_PHP_OPTIMIZE=pgo. Raised when training/ exercises something else: the profile is made anew then.
PHP_TRAINING_REVISION=1
# One thread trains: plain counters, which are exact and quick.
PGO_GENERATE="-fprofile-generate -fprofile-update=single"
# What training did not reach is compiled as without a profile, not for size.
PGO_USE="-fprofile-use -fprofile-partial-training -fprofile-correction -Wno-missing-profile -Wno-error=coverage-mismatch"
LLHTTP_PACKAGE=libllhttp-dev

# The PHP of the Debian package: it lives where the package puts it, reads its settings below /etc/phpsrv, has no FPM, and is
# hardened like Debian's own programs. Its line editor is libedit: readline's licence and PHP's do not go together in what is
# given to others.
PACKAGE_PHP_PREFIX=/usr/lib/phpsrv/php
PACKAGE_PHP_ETC=/etc/phpsrv/php
PACKAGE_PHP_CFLAGS="$PHP_CFLAGS -fstack-protector-strong -Wdate-time -D_FORTIFY_SOURCE=2"
PACKAGE_PHP_LDFLAGS="$PHP_LDFLAGS -Wl,-z,relro -Wl,-z,now"

PHP_CONFIGURE_FLAGS=(
    # What the server needs: threads, libphp.so, no signal handlers of the engine's own, timers per thread.
    --enable-zts
    --enable-embed=shared
    --disable-zend-signals
    --enable-zend-max-execution-timers
    # The command line for composer and tests; FPM as the yardstick that tests and benchmarks compare with.
    --enable-cli
    --enable-fpm
    --with-fpm-user=www-data
    --with-fpm-group=www-data
    --disable-cgi
    --disable-phpdbg
    --without-pear
    --enable-opcache
    # Extensions.
    --enable-bcmath
    --enable-calendar
    --with-curl
    --enable-exif
    --enable-ftp
    --enable-gd
    --with-freetype
    --with-jpeg
    --with-webp
    --with-gettext
    --with-gmp
    --enable-intl
    --enable-mbstring
    --with-mysqli=mysqlnd
    --with-openssl
    --enable-pcntl
    --with-pdo-mysql=mysqlnd
    --with-pdo-pgsql
    --with-pgsql
    --with-readline
    --enable-shmop
    --enable-soap
    --enable-sockets
    --with-sodium
    --enable-sysvmsg
    --enable-sysvsem
    --enable-sysvshm
    --with-xsl
    --with-zip
    --with-zlib
)
