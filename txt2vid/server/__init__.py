"""The server process: one port for senders, viewers and the page. It draws nothing itself: pipeline/studios.py."""
