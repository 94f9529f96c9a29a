#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Install the packages of the sections named (ci/packages.txt) that are missing, and say
# which before doing so. Touches nothing where none is missing.
#   ci/install.sh demo [test] [ci]
set -u
cd "$(dirname "$0")/.." || exit 1

# Print the packages of sections "$@" whose probe fails.
missing() {
    local section package probe
    while read -r section package probe; do
        case " $* " in
        *" $section "*) sh -c "$probe" >/dev/null 2>&1 </dev/null || echo "$package" ;;
        esac
    done < <(grep -v '^#' ci/packages.txt)
}

mapfile -t packages < <(missing "$@")
[ ${#packages[@]} -eq 0 ] && exit 0

echo "cpbalance needs these packages, which are missing here: ${packages[*]}"
if ! command -v apt-get >/dev/null; then
    echo "This is not Debian: please install what they hold (ci/packages.txt)." >&2
    exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "Please run as root: apt-get install ${packages[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi

# Errors are shown, the many lines on each package are not.
apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -y -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" \
        </dev/null >/dev/null
}
get() { apt install --no-install-recommends "${packages[@]}"; }

echo "Installing them, which may take minutes:"
echo "    apt-get install --no-install-recommends ${packages[*]}"
# The lists are fetched only where there are none, or where they are too old to serve.
if ! apt -s install --no-install-recommends "${packages[@]}" 2>/dev/null; then
    apt update || exit 1
    get || exit 1
elif ! get; then
    apt update && get || exit 1
fi

mapfile -t packages < <(missing "$@")
[ ${#packages[@]} -eq 0 ] && exit 0
echo "Installed, yet not usable: ${packages[*]} (probes in ci/packages.txt)" >&2
exit 1
