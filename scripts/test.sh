#!/usr/bin/env bash
# Sets up all that is missing, then runs every check and every test. Arguments go to pytest, for instance:
# scripts/test.sh -k render -m 'not slow'
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/setup.sh
. scripts/setup.sh

system_packages # first: what every run needs, and says where it cannot be had
test_packages
set_up serve mic wav2lip webrtc stt vosk whisper cloud piper dev
say "ruff"
.venv/bin/ruff check .
.venv/bin/ruff format --check --quiet .
say "mypy"
.venv/bin/mypy

# What computes runs on all cores; what is live, in real time, has the machine to itself.
status=0
rm -f .pytest_cache/v/cache/lastfailed
run() {
    local code=0
    .venv/bin/python -m pytest "$@" || code=$?
    case $code in
    0 | 5) ;; # all passed, or the arguments chose none of these
    1) status=1 ;;
    *) exit "$code" ;;
    esac
}
say "pytest: what computes"
run --only rest -n auto --dist loadfile "$@"
say "pytest: what is live"
run --only live "$@"
[ "$status" = 1 ] || exit 0

# Real programs in real time on a machine that others use as well: one in thousands of tests may find it standing still.
# The files of what failed are run once more, alone (a file's tests share what they started); what fails then is broken.
# More than a few are broken in any case.
failed=$(.venv/bin/python -c 'import json; print(*json.load(open(".pytest_cache/v/cache/lastfailed")), sep="\n")')
say "failed, see above: ${failed//$'\n'/, }"
[ "$(wc -l <<<"$failed")" -le 3 ] || exit "$status"
say "pytest, once more: the files of what failed"
exec .venv/bin/python -m pytest --only failed "$@"
