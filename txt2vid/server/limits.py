"""All limits of the server in one place, each with its reason. docs/protocol.md states those that senders meet."""

from __future__ import annotations

# Sessions
MAX_SESSIONS = 32  # that run at once, unless --max-sessions says otherwise: the design's aim on two cores
MAX_VIEWERS = 200  # of the whole server, unless --max-viewers says otherwise: 200 x 2 Mbit/s is half of a gigabit
MAX_FACES = 256  # of --face: a folder with more was hardly meant
OPEN_SECONDS = 60.0  # that a face (a driving video is searched frame by frame) and its session may take to be ready
LINGER = 30.0  # seconds that a session of a sender's own lives on without one: it may come back by name
WATCH_LINGER = 10.0  # seconds that is drawn on after the last viewer: a page that is loaded anew starts at once
GRACE = 10.0  # seconds that a sender whose connection broke keeps its place
MAX_LOSSES = 3  # studios that a session may lose within LOSS_SECONDS; then the session itself is the likely cause
LOSS_SECONDS = 60.0
AGAIN_SECONDS = 5.0  # until a session that could not be published is tried again
START_LOSSES = 2  # studios that may die before the first face is ready; then none will run on this machine

# Senders
HELLO_SECONDS = 5.0  # from the connection to hello: one round trip on any network
MAX_SPEAKERS = 256  # websockets at once, most of which will be told "busy" or have not said hello yet
PING_SECONDS = 20.0  # between pings, and for the answer: below the usual 60 s of proxies and of NAT
REST_SECONDS = 1.5  # without a report from the studio, after which its session rests: nobody watches or speaks
SEND_SECONDS = 10.0  # that a peer may refuse to read before it counts as gone
OUTBOX = 128  # messages to one sender that wait: MAX_TEXTS answers and some Stats. Stats are dropped, else it is gone
MAX_TEXTS = 64  # of one sender that are not spoken yet, as many as a session takes (pipeline/script.py); more is "rate"
MESSAGES_A_SECOND = 200.0  # of one sender: 50 packets of 20 ms are usual, 10 ms are common
AUDIO_SPEED = 1.5  # seconds of sound a second: a sender that catches up, or whose clock is fast
TEXT_SPEED = 1000.0  # characters a second: 60 times as fast as anyone speaks
BURST_SECONDS = 5.0  # a network may hold back so much, and deliver it at once
AUDIO_BURST = 2.0  # seconds of sound beyond that
TEXT_BURST = 30_000.0  # characters: three texts of the largest size

# Connections
BACKLOG = 128  # connections that wait to be accepted
MAX_CONNECTIONS = 1000  # of the whole server, viewers and senders among them; more get 503
OPEN_FILES = 4096  # of the server's process, where the system allows it: connections, and two pipes a session
HEAD_BYTES = 16 * 1024  # of a request before its body
GREETINGS = 256  # connections that have not finished their TLS handshake; the one that takes longest goes for a new one
GREETING_SECONDS = 10.0  # that they may take: several round trips on any network
ACCEPT_SECONDS = 1  # until connections are accepted again where the system had no more room
KEEP_ALIVE = 15  # seconds that an idle HTTP connection stays open: the page asks once a second
DEAD_SECONDS = 120  # after which the system drops a peer that acknowledges nothing, or reads nothing

# WebRTC
MAX_PEERS = 200  # at once, of the whole server: as many viewers as there may be; each has a socket or two
SDP_BYTES = 64 * 1024  # of an offer, or of candidates: ten times what browsers write

# The end
FAREWELL_SECONDS = 1.0  # for senders and viewers to take their last words
END_SECONDS = 2.0  # for uvicorn; with the studios' own limit (3 s, at the same time) the end comes within 5 s
