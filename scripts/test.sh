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
say "pytest"
.venv/bin/python -m pytest "$@"
