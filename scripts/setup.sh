# shellcheck shell=bash
# Sets up what is missing, for run_streaming.sh and scripts/test.sh, which source this file from the project's root:
# system packages, a virtual environment in .venv, the project in it. A second call takes a moment: a stamp for each
# extra, in .venv, tells what was installed from which pyproject.toml and constraints.txt.

say() { printf '== %s\n' "$*" >&2; }

die() {
    printf 'txt2vid: %s\n' "$*" >&2
    exit 8 # as errors.py has it for something missing
}

# Runs the arguments as root, without ever asking for a password. Fails where that is not possible.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@" </dev/null
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        sudo -n "$@" </dev/null
    else
        return 1
    fi
}

# Installs system packages: $1 lists them by Debian's names, $2 by brew's, each separated by spaces.
install_packages() {
    local apt_names brew_names # arrays; macOS ships bash 3.2, which has no references to them
    read -r -a apt_names <<<"$1"
    read -r -a brew_names <<<"$2"
    if command -v apt-get >/dev/null; then
        say "installing with apt-get: $1"
        if as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y update >&2 &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends \
                "${apt_names[@]}" >&2; then
            return
        fi
        die "system packages are missing. Type: sudo apt-get update && sudo apt-get install $1"
    elif command -v brew >/dev/null; then
        say "installing with brew: $2"
        brew install --quiet "${brew_names[@]}" </dev/null >&2 && return
        die "system packages are missing. Type: brew install $2"
    fi
    die "these are missing: $1. Install them with this system's package manager, then run this again"
}

has_library() {
    [ "$(uname)" != Linux ] && return 0 # elsewhere the wheels bring what they need
    local ldconfig
    ldconfig=$(PATH="$PATH:/sbin:/usr/sbin" command -v ldconfig) || return 0
    "$ldconfig" -p | grep -F "$1" >/dev/null
}

has_all() {
    local program library
    for program in ffmpeg ffprobe flite espeak-ng; do
        command -v "$program" >/dev/null || return 1
    done
    for library in libGL.so.1 libgthread-2.0.so.0; do # mediapipe's OpenCV links to these
        has_library "$library" || return 1
    done
}

system_packages() {
    has_all || install_packages "ffmpeg flite espeak-ng libgl1 libglib2.0-0" "ffmpeg flite espeak-ng"
}

# True where $1 is a Python that the project runs on and that can make virtual environments.
is_suitable() {
    "$1" -c 'import ensurepip, sys, venv; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' >/dev/null 2>&1
}

find_python() {
    local candidate
    for candidate in python3.11 python3.12 python3.10 python3 /usr/bin/python3 \
        "$HOME"/.pyenv/versions/3.1[012].*/bin/python; do
        if is_suitable "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    return 1
}

virtual_environment() {
    local python
    is_suitable .venv/bin/python && return
    if ! python=$(find_python); then
        install_packages "python3 python3-venv" "python@3.11"
        python=$(find_python) || die "no Python from 3.10 to 3.12 was found: install one (for instance 3.11), then run this again"
    fi
    say "making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
}

# What an installation depends on; the folder is in it because an editable install points there.
fingerprint() {
    { pwd && cat pyproject.toml constraints.txt setup.py && .venv/bin/python --version; } | cksum
}

# True where sound can be recorded: a sound server's socket, or a capture device of the kernel's.
has_microphone() {
    [ "$(uname)" = Darwin ] || [ -n "${PULSE_SERVER:-}" ] || [ -S "${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/pulse/native" ] ||
        grep -q capture /proc/asound/pcm 2>/dev/null
}

# What building PyAudio needs; it has no wheels for Linux.
microphone_packages() {
    if [ "$(uname)" = Darwin ]; then
        [ -e /opt/homebrew/include/portaudio.h ] || [ -e /usr/local/include/portaudio.h ] || install_packages "" "portaudio"
    elif ! [ -e /usr/include/portaudio.h ] || ! command -v gcc >/dev/null; then
        install_packages "portaudio19-dev libasound2-plugins gcc python3-dev" ""
    fi
}

# What the tests try the program with: a sound server, browsers, a screen, a media server, a TURN server, networks of
# their own. Elsewhere than on Debian and its relatives the tests that need one of them are skipped, and say so.
test_packages() {
    local program
    microphone_packages
    command -v apt-get >/dev/null || return 0
    for program in pulseaudio pactl chromium firefox-esr Xvfb import nginx turnserver ip; do
        if ! PATH="$PATH:/sbin:/usr/sbin" command -v "$program" >/dev/null; then
            install_packages "pulseaudio pulseaudio-utils libasound2-plugins chromium firefox-esr xvfb imagemagick nginx-light libnginx-mod-rtmp coturn iproute2" ""
            return
        fi
    done
}

# Sets up everything for the extras given as arguments.
set_up() {
    local extra stamp extras=
    system_packages
    virtual_environment
    stamp=$(fingerprint)
    for extra in "$@"; do
        [ "$(cat ".venv/.txt2vid-$extra" 2>/dev/null)" = "$stamp" ] || extras="$(printf '%s,' "$@")"
    done
    [ -z "$extras" ] && return
    say "installing txt2vid[${extras%,}] into .venv (some minutes the first time)"
    .venv/bin/python -m pip install --disable-pip-version-check --no-input --progress-bar off -q \
        -e ".[${extras%,}]" -c constraints.txt </dev/null >&2 ||
        die "pip could not install the project: see its message above, mend that, then run this again"
    for extra in "$@"; do
        printf '%s\n' "$stamp" >".venv/.txt2vid-$extra"
    done
}
