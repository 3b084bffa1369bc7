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
LAST_SECONDS = 2.0  # for what has arrived from a peer that was cut off to be taken: it counts on it
LAST_WORDS_SECONDS = 0.2  # the same after a goodbye: sound takes none, and texts are dropped anyhow
INBOX = 16  # messages of one sender that wait to be read: a goodbye behind them is seen at once. 1 MB at the most
OUTBOX = 128  # messages to one sender that wait: MAX_TEXTS answers and some Stats. Stats are dropped, else it is gone
MAX_TEXTS = 64  # of one sender that are not spoken yet, as many as a session takes (pipeline/script.py); more is "rate"
MESSAGES_A_SECOND = 200.0  # of one sender: 50 packets of 20 ms are usual, 10 ms are common
AUDIO_SPEED = 1.5  # seconds of sound a second: a sender that catches up, or whose clock is fast
TEXT_SPEED = 1000.0  # characters a second: 60 times as fast as anyone speaks
BURST_SECONDS = 5.0  # a network may hold back so much, and deliver it at once
AUDIO_BURST = 2.0  # seconds of sound beyond that
TEXT_BURST = 30_000.0  # characters: three texts of the largest size

# Calls
MAX_ROOMS = 64  # at once: with MAX_SESSIONS a quarter of them can hold two callers, so the rest are links not yet used
ROOMS_A_SECOND = 0.5  # that are made, and ROOMS_BURST at once after a pause: people click a button
ROOMS_BURST = 20.0
MAX_MEMBERS = 4  # of a room: four faces a viewer, sixteen streams, are what a home's connection takes
MAX_LOBBY = 8  # who wait for a place in it; more will hardly live to see one
MEMBER_GRACE = 15.0  # seconds that one whose connection broke keeps its place: from one wireless network to another
EMPTY_SECONDS = 600.0  # that a room outlives its last member: everybody may lose the network, and come back
UNUSED_SECONDS = 3600.0  # for the first one to come: a link is sent by mail before it is followed
ROOM_SECONDS = 12 * 3600.0  # of any room: a link that was passed on does not stay a key for ever
MAX_CALLERS = 256  # websockets of calls at once, those in lobbies and those without a word yet among them
JOIN_SECONDS = 5.0  # from the connection to join
CALL_MESSAGES_A_SECOND = 10.0  # of one caller, who clicks; and CALL_MESSAGES_BURST at once
CALL_MESSAGES_BURST = 50.0
EXPRESSIONS_A_SECOND = 3.0  # of a caller, or by HTTP in a session, and EXPRESSIONS_BURST at once: faces are not quicker
EXPRESSIONS_BURST = 8.0
EXPRESSION_BYTES = 1024  # of one by HTTP: ten times what it takes
CALL_OUTBOX = 16  # messages to one caller that wait: of each kind that tells the whole room the newest, and errors
GUESSES_A_SECOND = 0.5  # names of rooms that are not known, of one address; and GUESSES_BURST at once. Names have
GUESSES_BURST = 20.0  # 128 bits, so this spares the server's work and hides nothing: known names always pass
MAX_GUESSERS = 1024  # addresses that are remembered; the one that guessed longest ago is forgotten

# Pictures that callers bring
MAX_UPLOAD = 8 << 20  # bytes: a telephone's photograph has 3 to 6 MB
MAX_UPLOAD_PIXELS = 40_000_000  # as the file's head tells, before anything is decoded: 150 to 360 MB meanwhile
MAX_WEBP_PIXELS = 16_000_000  # of a WebP, whose decoder takes four times what others do: 260 MB
MAX_UPLOADS = 8  # of a room, those that are being prepared among them: each is a face in a studio, some 100 MB
UPLOADS_A_SECOND = 0.1  # of a room, good or bad: reading one takes a core up to a second; and UPLOADS_BURST at once
UPLOADS_BURST = 12.0
UPLOADING = 8  # at once, of the whole server: each may hold MAX_UPLOAD in memory, twice for a moment
UPLOADING_IN_ROOM = 2  # of them: four rooms shall get theirs in
MAX_KEPT = 128  # pictures in the folder, of all rooms: about 2 MB each
UPLOAD_SECONDS = 60.0  # for the bytes of one: 1 Mbit/s
UPLOAD_SIZE = 1024  # pixels of the longer side that are kept: twice of what is drawn
THUMBNAIL = 256  # pixels of the longer side of a small picture
MAX_THUMBNAILS = 512  # small pictures in memory, 10 to 30 kB each
DRAWING_SECONDS = 20.0  # for the process that draws one that was brought: the largest takes one on a slow core
DRAWING = 32  # small pictures that wait to be made, of the whole server, one at a time

# Connections
BACKLOG = 128  # connections that wait to be accepted
MAX_CONNECTIONS = 1000  # of the whole server, viewers and senders among them; more get 503
OPEN_FILES = 4096  # of the server's process, where the system allows it: connections, and two pipes a session
HEAD_BYTES = 16 * 1024  # of a request before its body
GREETINGS = 256  # connections that have not finished their TLS handshake; the one that takes longest goes for a new one
GREETING_SECONDS = 10.0  # that they may take: several round trips on any network
GOODBYE_SECONDS = 5.0  # for the other end to say goodbye, as TLS wants it: some never do, and asyncio waits for 30
ACCEPT_SECONDS = 1  # until connections are accepted again where the system had no more room
KEEP_ALIVE = 15  # seconds that an idle HTTP connection stays open: the page asks once a second
DEAD_SECONDS = 120  # after which the system drops a peer that acknowledges nothing, or reads nothing

# WebRTC
MAX_PEERS = 200  # at once, of the whole server: as many viewers as there may be; each has a socket or two
SDP_BYTES = 64 * 1024  # of an offer, or of candidates: ten times what browsers write

# Those who draw the face themselves
MESH_AHEAD = 2.0  # seconds that may be on their way to one: what is more waits, and is dropped up to a key
MESH_SECONDS = 15.0  # without a word of what has come, after which it counts as gone
# The mesh page
MAX_CAMERAS = 16  # at once, unless --max-cameras says otherwise: twice of what two cores track at 15 pictures a second
CAMERA_SECONDS = 20.0  # without a picture, after which a camera counts as gone: a page that is asleep comes back
PICTURES_A_SECOND = 62.0  # of one camera: twice of what it is asked for; and PICTURES_BURST at once after a pause
PICTURES_BURST = 62.0
PICTURE_BYTES_A_SECOND = 1.5e6  # of one camera: 30 JPEGs of 50 kB; as video it has a twentieth of that
PICTURE_BYTES_BURST = 4e6
MESH_MESSAGES_A_SECOND = 40.0  # of one camera, whose sliders are moved; and MESH_MESSAGES_BURST at once
MESH_MESSAGES_BURST = 80.0
MESH_BITRATE = 1_500_000  # bit/s of annotated pictures, of 640x480 at the most

# The end
FAREWELL_SECONDS = 1.0  # for senders and viewers to take their last words
END_SECONDS = 2.0  # for uvicorn; with the studios' own limit (3 s, at the same time) the end comes within 5 s
