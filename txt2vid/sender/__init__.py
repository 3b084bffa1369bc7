"""The websocket client: a microphone, a file or a text on its way to a server. Light: numpy, av and websockets."""
