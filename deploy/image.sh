#!/bin/sh
# What the image holds besides its base: runtimegate and what requirements.lock pins, in a virtual
# environment of its own. deploy/Dockerfile runs this; a test runs it too, where there is no daemon.
#
#   deploy/image.sh SOURCE TARGET     TARGET is the path in the image: scripts name it in their first line
set -eu
source=$1
target=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
quiet="--quiet --disable-pip-version-check --no-cache-dir"
export PIP_ROOT_USER_ACTION=ignore

# Built apart, from a copy: no build tool comes into the image, and nothing is written to the source.
mkdir "$work/source"
cp -r "$source/webhook" "$source/certs" "$source/pyproject.toml" "$source/setup.py" "$source/README.md" \
  "$source/LICENSE" "$work/source"
python3 -m venv "$work/build"
pip="$work/build/bin/python -m pip"
# setup.py compiles the compatibility tables, which takes what the program itself reads them with.
$pip install $quiet --require-hashes --only-binary=:all: -r "$source/deploy/image-build.lock" \
  -r "$source/requirements.lock"
$pip wheel $quiet --no-deps --no-build-isolation --no-index -w "$work/wheel" "$work/source"

# --only-binary: a package that would need a compiler is an error, not a surprise.
python3 -m venv --without-pip "$target"
$pip --python "$target/bin/python" install $quiet --require-hashes --only-binary=:all: \
  -r "$source/requirements.lock"
$pip --python "$target/bin/python" install $quiet --no-deps --no-index "$work"/wheel/*.whl
"$target/bin/runtimegate" version
