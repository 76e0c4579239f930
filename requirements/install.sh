#!/bin/sh
# Makes the virtual environment: install.sh base | dev | programs. Quick when nothing changed.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "setup: $*"; }
fail() { printf '%s\n' "setup: $*" >&2; exit 1; }
may_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; }
apt_install() {
    say "installing $* (apt-get)"
    DEBIAN_FRONTEND=noninteractive apt-get update -qq >/dev/null &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

fits() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' >/dev/null 2>&1
}

pick_python() {
    if [ -n "${PYTHON:-}" ]; then
        fits "$PYTHON" || fail "PYTHON=$PYTHON is no Python 3.11 to 3.14."
        python=$PYTHON
        return
    fi
    for candidate in python3 python3.13 python3.12 python3.14 python3.11; do
        if command -v "$candidate" >/dev/null 2>&1 && fits "$candidate"; then
            python=$candidate
            return
        fi
    done
    fail "no Python 3.11 to 3.14 found. Install one, or name it: make setup PYTHON=/path/to/python3.12"
}

make_environment() {
    if [ -x .venv/bin/python ] && fits .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1; then
        return
    fi
    pick_python
    say "using $($python --version) ($($python -c 'import sys; print(sys.executable)'))"
    if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
        may_install && { apt_install "$package" || apt_install python3-venv || true; }
        "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 ||
            fail "this Python cannot make virtual environments. Type: sudo apt-get install $package"
    fi
    rm -rf .venv
    "$python" -m venv .venv
}

fingerprint() {
    cat pyproject.toml requirements/install.sh "requirements/$1.txt" | cksum
}

installed() {
    [ -f ".venv/.installed-$1" ] && [ "$(cat ".venv/.installed-$1")" = "$(fingerprint "$1")" ]
}

install_requirements() {
    installed "$1" && return
    if [ "$1" = base ] && installed dev; then
        return
    fi
    say "installing requirements/$1.txt"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "requirements/$1.txt"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
    fingerprint "$1" >".venv/.installed-$1"
}

loads_pango() { .venv/bin/python -W ignore -c 'import weasyprint' >/dev/null 2>&1; }

check_pango() {
    [ -f .venv/.pango ] && return
    if ! loads_pango; then
        may_install && { apt_install libpango-1.0-0 libpangoft2-1.0-0 || true; }
        if ! loads_pango; then
            case $(uname) in
            Darwin) line="brew install pango" ;;
            *) line="sudo apt-get install libpango-1.0-0 libpangoft2-1.0-0   (Fedora: sudo dnf install pango)" ;;
            esac
            fail "the PDF renderer cannot load Pango. Type: $line"
        fi
    fi
    : >.venv/.pango
}

find_chromium() { .venv/bin/python -m portal.testing.browser >/dev/null 2>&1; }

has_poppler() { command -v pdftoppm >/dev/null 2>&1 && command -v pdftotext >/dev/null 2>&1; }

# Programs that some tests drive: a browser, and the reader of PDF files that pictures and texts are compared by.
check_programs() {
    find_chromium || { may_install && apt_install chromium; } || true
    has_poppler || { may_install && apt_install poppler-utils; } || true
    missing=
    find_chromium || missing="$missing chromium"
    has_poppler || missing="$missing poppler-utils"
    [ -n "$missing" ] || return 0
    echo "=== MISSING:$missing. Their tests are SKIPPED. Type: sudo apt-get install$missing ===" >&2
    [ -z "${CI:-}" ] || exit 1
}

case ${1:-base} in
base | dev)
    make_environment
    install_requirements "${1:-base}"
    check_pango
    ;;
programs) check_programs ;;
*) fail "install.sh base | dev | programs" ;;
esac
