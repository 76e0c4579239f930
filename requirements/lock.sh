#!/bin/sh
# Compiles requirements/base.txt and dev.txt: pinned, with hashes, for Linux and macOS, without any index address.
set -eu
cd "$(dirname "$0")/.."
uv=${UV:-$(command -v uv || true)}
if [ -z "$uv" ]; then
    echo "make lock needs uv: pip install uv (or set UV to the program)" >&2
    exit 1
fi
compile() {
    out=$1
    shift
    "$uv" pip compile pyproject.toml requirements/build.in --constraint requirements/constraints.in --extra embedded "$@" --universal --python-version 3.11 \
        --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet -o "$out"
    echo "wrote $out"
}
compile requirements/base.txt "$@"
compile requirements/dev.txt --extra s3 --group dev --constraint requirements/base.txt "$@"
