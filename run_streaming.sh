#!/usr/bin/env bash
# Sets up all that is missing, then renders sample_data/hero.png speaking into output/hero.mp4, and plays it where
# there is a screen. For your own face and voice: .venv/bin/txt2vid render --help
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=scripts/setup.sh
. scripts/setup.sh

has_screen() {
    [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || [ "$(uname)" = Darwin ]
}

set_up serve
video=output/hero.mp4
mkdir -p output
say "rendering sample_data/hero.png saying sample_data/hello.txt"
.venv/bin/txt2vid render --face sample_data/hero.png --text-file sample_data/hello.txt \
    --size 512 -o "$video"
say "the video is $PWD/$video"
if has_screen && command -v ffplay >/dev/null; then
    ffplay -hide_banner -loglevel error -autoexit -window_title txt2vid "$video" </dev/null ||
        say "ffplay could not show it: open the file with any player"
fi
