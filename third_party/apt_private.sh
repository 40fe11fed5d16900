# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# A private apt for the suite that has what this Debian lacks (versions.sh: SOURCE_SUITE). Its sources come from the machine's
# own Debian entries with the suite's name exchanged, so mirrors, proxies and keys are those of the machine; its lists and
# caches are its own, and the system's apt never hears of the suite. Sourced after lib.sh and versions.sh; needs no root.

# Prints "uri<TAB>suite<TAB>components<TAB>options" for each Debian archive entry of the machine, from .sources and .list.
debian_entries() {
    local -a files=()
    local file
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do [[ -r $file ]] && files+=("$file"); done
    ((${#files[@]} == 0)) || awk '
        $1 == "deb" || $1 == "deb-src" {
            options = ""; first = 2
            if ($2 ~ /^\[/) {
                while (first <= NF) { options = options " " $first; if ($(first++) ~ /\]$/) break }
                gsub(/^ *\[ *| *\] *$/, "", options)
            }
            components = ""
            for (i = first + 2; i <= NF && $i !~ /^#/; i++) components = components " " $i
            print $first "\t" $(first + 1) "\t" substr(components, 2) "\t" options
        }' "${files[@]}"
    files=()
    for file in /etc/apt/sources.list.d/*.sources; do [[ -r $file ]] && files+=("$file"); done
    ((${#files[@]} == 0)) || awk '
        function flush_entry(    i, j, n, m, u, s) {
            if (field["types"] != "" && tolower(field["enabled"]) != "no") {
                n = split(field["uris"], u, /[ \t]+/); m = split(field["suites"], s, /[ \t]+/)
                for (i = 1; i <= n; i++) for (j = 1; j <= m; j++)
                    print u[i] "\t" s[j] "\t" field["components"] "\t" \
                        (field["signed-by"] ~ /^\// ? "signed-by=" field["signed-by"] : "")
            }
            delete field; last = ""
        }
        FNR == 1 { flush_entry() }
        /^[ \t]*$/ { flush_entry(); next }
        /^#/ { next }
        /^[ \t]/ { if (last != "") { sub(/^[ \t]+/, ""); field[last] = (field[last] == "" ? $0 : field[last] " " $0) } next }
        { last = tolower($0); sub(/:.*/, "", last); value = $0; sub(/^[^:]*:[ \t]*/, "", value); sub(/[ \t]+$/, "", value); field[last] = value }
        END { flush_entry() }' "${files[@]}"
}

# Writes the private sources.list: the machine's own main and security entries, for SOURCE_SUITE, binaries and sources.
private_sources() {
    local codename uri suite components options bracket target
    codename=$(os_release VERSION_CODENAME)
    debian_entries | while IFS=$'\t' read -r uri suite components options; do
        case $suite in
            "$codename" | stable | oldstable | testing) target=$SOURCE_SUITE ;;
            "$codename-security" | stable-security | oldstable-security | testing-security) target=$SOURCE_SUITE-security ;;
            *) continue ;;
        esac
        # Third-party archives name their suites like Debian's: only entries that have Debian's component are taken.
        [[ " $components " == *" main "* ]] || continue
        options=$(tr ' ' '\n' <<<"$options" | grep -v -e '^arch=' -e '^$' | tr '\n' ' ' || true)
        bracket=${options:+[${options% }] }
        printf 'deb %s%s %s main\ndeb-src %s%s %s main\n' "$bracket" "$uri" "$target" "$bracket" "$uri" "$target"
    done | sort -u
}

# Makes the private configuration, fetches its lists when they are older than a day, and leaves the options in PRIVATE_APT.
PRIVATE_APT=()
private_apt_setup() {
    local base
    base=$(cache_dir)/apt
    mkdir -p "$base/lists/partial" "$base/archives/partial" "$base/empty"
    : >"$base/status"
    PRIVATE_APT=(
        -o "Dir::State=$base" -o "Dir::State::lists=$base/lists" -o "Dir::State::status=$base/status"
        -o "Dir::State::extended_states=$base/extended_states"
        -o "Dir::Cache=$base" -o "Dir::Cache::archives=$base/archives"
        -o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache="
        -o "Dir::Etc::sourcelist=$base/sources.list" -o "Dir::Etc::sourceparts=$base/empty"
        -o "Dir::Etc::preferences=/dev/null" -o "Dir::Etc::preferencesparts=$base/empty"
        -o "APT::Default-Release=" -o "APT::Sandbox::User=" -o "Acquire::Languages=none" -o "Acquire::Retries=2"
    )
    local wanted
    wanted=$(private_sources)
    [[ -n $wanted ]] || die "no Debian archive entry was found under /etc/apt, so $SOURCE_SUITE cannot be reached"
    if [[ ! -e $base/updated || $(cat "$base/sources.list" 2>/dev/null) != "$wanted" ||
        -n $(find "$base/updated" -mmin +1440) ]]; then
        rm -f "$base/updated"
        printf '%s\n' "$wanted" >"$base/sources.list"
        # An unreachable security suite is survivable: the main suite's version serves.
        apt-get "${PRIVATE_APT[@]}" update >"$base/update.log" 2>&1 ||
            notice "apt could not fetch every list of $SOURCE_SUITE (log: $base/update.log)"
        [[ -n $(apt-cache "${PRIVATE_APT[@]}" showsrc "$PHP_SOURCE_PACKAGE" 2>/dev/null) ]] ||
            die_log "$base/update.log" "the lists of $SOURCE_SUITE could not be fetched"
        touch "$base/updated"
    fi
}

# Reads versions, prints them newest first.
newest_first() {
    local -a sorted=()
    local version i
    while read -r version; do
        i=0
        while ((i < ${#sorted[@]})) && dpkg --compare-versions "$version" lt "${sorted[i]}"; do ((++i)); done
        sorted=("${sorted[@]:0:i}" "$version" "${sorted[@]:i}")
    done < <(sort -u)
    ((${#sorted[@]} == 0)) || printf '%s\n' "${sorted[@]}"
}

# private_fetch_source DIR: the newest source of PHP_SOURCE_PACKAGE that a mirror really has, downloaded into DIR.
private_fetch_source() {
    local dir=$1 version log=$1/fetch.log
    mkdir -p "$dir"
    : >"$log"
    while read -r version; do
        if (cd "$dir" && apt-get "${PRIVATE_APT[@]}" source --download-only --only-source "$PHP_SOURCE_PACKAGE=$version") >>"$log" 2>&1; then
            return 0
        fi
        notice "the source of $PHP_SOURCE_PACKAGE $version is not to be had; trying the next older version"
    done < <(apt-cache "${PRIVATE_APT[@]}" showsrc --only-source "$PHP_SOURCE_PACKAGE" 2>>"$log" | sed -n 's/^Version: //p' | newest_first)
    die_log "$log" "no source of $PHP_SOURCE_PACKAGE could be fetched"
}

# private_fetch_package NAME DIR: the newest binary package that a mirror really has, downloaded into DIR.
private_fetch_package() {
    local name=$1 dir=$2 version log=$2/fetch.log
    mkdir -p "$dir"
    : >"$log"
    while read -r version; do
        if (cd "$dir" && apt-get "${PRIVATE_APT[@]}" download "$name=$version") >>"$log" 2>&1; then
            return 0
        fi
    done < <(apt-cache "${PRIVATE_APT[@]}" show "$name" 2>>"$log" | sed -n 's/^Version: //p' | newest_first)
    die_log "$log" "the package $name could not be fetched"
}
