#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Fetches Debian's packages of web applications, with the PHP and JavaScript packages that they need, and unpacks them (without
# installing: no web server is configured) into <cache>/apps/NAME/root. Once fetched they are kept; remove the folder to fetch anew.
# usage: fetch.sh [NAME...]   dokuwiki wordpress mediawiki phpmyadmin php-symfony-error-handler symfony laravel psr7 (default: all)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=third_party/lib.sh
. "$root/third_party/lib.sh"

# Names with a ? are carried by some Debian releases only; a + before a name means: with all PHP libraries that it needs.
declare -A packages=(
    [dokuwiki]="dokuwiki php-geshi libphp-simplepie libjs-jquery libjs-jquery-ui libjs-jquery-cookie php-phpseclib? php-random-compat?"
    [wordpress]="wordpress wordpress-theme-twentytwentythree|wordpress-theme-twentytwentyfive libjs-cropper libjs-underscore php-getid3"
    [mediawiki]="mediawiki mediawiki-classes?"
    [phpmyadmin]="phpmyadmin libjs-codemirror libjs-jquery libjs-jquery-mousewheel libjs-jquery-tablesorter libjs-jquery-timepicker libjs-jquery-ui
        php-composer-ca-bundle php-google-recaptcha php-nikic-fast-route php-phpmyadmin-motranslator php-phpmyadmin-shapefile
        php-phpmyadmin-sql-parser php-twig-i18n-extension php-psr-http-factory php-psr-http-message php-slim-psr7 php-symfony-config
        php-symfony-dependency-injection php-symfony-expression-language php-symfony-polyfill-php80? php-twig php-webmozart-assert
        php-mariadb-mysql-kbs php-fig-http-message-util php-getallheaders? php-symfony-deprecation-contracts php-symfony-filesystem
        php-psr-container php-symfony-service-contracts php-symfony-cache php-psr-cache php-psr-log php-symfony-cache-contracts
        php-symfony-var-exporter"
    [php-symfony-error-handler]="php-symfony-error-handler php-symfony-var-dumper php-psr-log php-symfony-polyfill-mbstring?
        php-symfony-polyfill-php80? php-symfony-deprecation-contracts?"
    [symfony]="+php-symfony-framework-bundle +php-symfony-validator +php-symfony-property-access +php-symfony-mime php-symfony-polyfill-php80?"
    [laravel]="+php-laravel-framework"
    [psr7]="+php-nyholm-psr7 +php-slim +php-nikic-fast-route php-symfony-polyfill-php80?"
)
# Packages named php-NAME that are extensions of the interpreter, or the interpreter.
extensions=' php-cli php-common php-curl php-gd php-intl php-json php-mbstring php-xml php-zip '

# with_libraries PACKAGE: it, and the PHP libraries in its dependencies and in theirs.
with_libraries() {
    local package
    apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "$1" 2>/dev/null |
        grep -E '^(lib)?php-' | sort -u | while read -r package; do
        [[ $extensions == *" $package "* ]] || echo "$package"
    done
}

download() { # LOG PACKAGE...
    apt-get -o APT::Sandbox::User= download "${@:2}" >>"$1" 2>&1
}

fetch() { # NAME
    local name=$1 target package alternative found deb first
    local -a wanted
    target=$(cache_dir)/apps/$name
    [[ ! -e $target/complete ]] || return 0
    command -v apt-get >/dev/null || die "$name is fetched from Debian's archive, and there is no apt-get here"
    say "fetching $name"
    mkdir -p "$target"
    exec 9>"$target.lock"
    flock 9
    rm -rf "$target/root" "$target/packages"
    mkdir -p "$target/root" "$target/packages"
    # a fresh machine has no package lists yet
    read -r first _ <<<"${packages[$name]}"
    apt-cache show "${first#+}" >/dev/null 2>&1 || as_root apt-get update >>"$target/fetch.log" 2>&1 || true
    for package in ${packages[$name]}; do
        found=
        for alternative in ${package//|/ }; do
            mapfile -t wanted < <(if [[ $alternative == +* ]]; then with_libraries "${alternative#+}"; else echo "${alternative%\?}"; fi)
            if ((${#wanted[@]})) && (cd "$target/packages" && download "$target/fetch.log" "${wanted[@]}"); then
                found=1
                break
            fi
        done
        [[ -n $found || $package == *\? ]] || die_log "$target/fetch.log" "the package $package could not be fetched (apt-get update may help)"
    done
    for deb in "$target/packages/"*.deb; do dpkg -x "$deb" "$target/root"; done
    rm -rf "$target/packages"
    touch "$target/complete"
}

(($#)) || set -- "${!packages[@]}"
for app in "$@"; do
    [[ -n ${packages[$app]:-} ]] || die "no application is named '$app': ${!packages[*]}"
    fetch "$app"
done
