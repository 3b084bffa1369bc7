#!/usr/bin/env bash
# The main job: sets up all that is missing, starts a server with a face, gives it your microphone (or, where there is
# none, the sample speech), and shows the face (or, where there is no screen, says where to see it). Ctrl-C ends all.
#
#   ./run_streaming.sh                 everything here
#   ./run_streaming.sh user@host       the server there, by ssh; microphone and picture here
#   ./run_streaming.sh --for 20        ends by itself after so many seconds
#
# FACE=picture.png, PORT=8080, REMOTE_DIR=txt2vid (where the project is on the other machine) and REMOTE_PORT=8080 (the
# server's port there) change what is used.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=scripts/setup.sh
. scripts/setup.sh

HOST=''
SECONDS_TO_RUN=''
while [ $# -gt 0 ]; do
    case "$1" in
    --for)
        [[ ${2:-} =~ ^[0-9]+$ ]] || die "--for needs a number of whole seconds, not \"${2:-}\""
        SECONDS_TO_RUN=$2 && shift 2
        ;;
    -h | --help) sed -n '2,10s/^# \{0,1\}//p' run_streaming.sh && exit ;;
    -*) die "$1 is no option: try ./run_streaming.sh --help" ;;
    *) HOST=$1 && shift ;;
    esac
done

txt2vid=.venv/bin/txt2vid
FACE=${FACE:-sample_data/hero.png}
PORT=${PORT:-8080}
REMOTE_PORT=${REMOTE_PORT:-$PORT}
work=''
children=()

# Ends what was started, the last first, and waits until it is gone, though not for ever: ssh, told twice at once (by
# Ctrl-C and from here), may hang.
finish() {
    local i deadline
    trap - EXIT
    trap '' INT TERM # once is enough
    for ((i = ${#children[@]} - 1; i >= 0; i--)); do
        kill -TERM "${children[i]}" 2>/dev/null || true
        deadline=$((SECONDS + 5))
        while is_running "${children[i]}" && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.1; done
        kill -KILL "${children[i]}" 2>/dev/null || true
        wait "${children[i]}" 2>/dev/null || true
    done
    [ -z "$work" ] || rm -rf "$work"
}

has_screen() {
    [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || [ "$(uname)" = Darwin ]
}

is_running() { kill -0 "$1" 2>/dev/null; }

# Waits, in a way that a trap can interrupt.
pause() {
    sleep "$1" &
    wait $! || true
}

# Starts the server, here or by ssh, with --json, and sets URL from the one line that it prints when it is ready. Its
# log goes to a file, not across the meter's line, and is shown where the server ends by itself.
start_server() {
    work=$(mktemp -d)
    : >"$work/ready"
    if [ -z "$HOST" ]; then
        "$txt2vid" serve --face "$FACE" --port "$1" --json >"$work/ready" 2>"$work/log" &
    else
        # -tt: the far end goes when this one does. What it prints, the log too, has the terminal's line ends.
        ssh -tt -o ConnectTimeout=15 -o ExitOnForwardFailure=yes -L "$1:127.0.0.1:$REMOTE_PORT" "$HOST" \
            "cd ${REMOTE_DIR:-txt2vid} && .venv/bin/txt2vid serve --face $(printf %q "$FACE") --port $REMOTE_PORT --json" </dev/null >"$work/ready" &
    fi
    children=($!)
    while ! grep -q '"url"' "$work/ready" && is_running "${children[0]}"; do pause 0.1; done
    URL=$(sed -n 's/.*"url": *"\([^"]*\)".*/\1/p' "$work/ready" | tail -1)
    [ -n "$URL" ] || return
    [ -z "$HOST" ] || URL="http://127.0.0.1:$1/" # this end of the tunnel
}

# What the server said: here it is all in its log; from the other machine, what is no JSON.
server_log() { cat "$work"/log "$work"/ready 2>/dev/null | grep -v '^{' | tr -d '\r' | tail -20 >&2 || true; }

# The sample speech, again and again, with a breath between. The sender goes with this, not after it.
speak_samples() {
    local sender=''
    trap 'kill -TERM $sender 2>/dev/null; wait $sender; exit' INT TERM HUP
    while "$txt2vid" send "$SPEAK" --file sample_data/speech.m4a & sender=$! && wait "$sender"; do pause 1; done
}

if has_microphone; then
    (microphone_packages && set_up mic) || say "the microphone cannot be used: the sample speech is"
fi
set_up serve
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
start_server "$PORT" || { server_log && die "the server did not start: see its message above"; }
SPEAK="ws://${URL#*://}" && SPEAK="${SPEAK%/}/speak"

if has_microphone && "$txt2vid" devices --json 2>/dev/null | grep -q '"index"'; then
    say "speak: the microphone is on"
    if [ -t 0 ]; then
        "$txt2vid" send "$SPEAK" --mic <&0 &
    else
        "$txt2vid" send "$SPEAK" --mic </dev/null &
    fi
else
    say "there is no microphone here: the sample speech is heard"
    speak_samples </dev/null &
fi
children+=($!)
say "watch in a browser: $URL"
say "or with a player: ffplay -fflags nobuffer -flags low_delay ${URL%/}/stream.ts"
if has_screen && command -v ffplay >/dev/null; then
    "$txt2vid" play "${URL%/}/stream.ts" </dev/null &
    children+=($!)
fi
say "Ctrl-C ends all"
end=$((SECONDS + ${SECONDS_TO_RUN:-0}))
while for child in "${children[@]}"; do is_running "$child" || break 2; done; do # a closed window ends all, too
    [ -z "$SECONDS_TO_RUN" ] || [ $SECONDS -lt $end ] || break
    pause 0.5
done
if ! is_running "${children[0]}"; then
    server_log
    die "the server ended: see its message above"
fi
