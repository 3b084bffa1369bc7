"""Sound and pictures in and out of files: the only package that runs ffmpeg and ffprobe."""

from txt2vid.ffmpeg.decode import AudioReader, VideoReader
from txt2vid.ffmpeg.encode import Encoder
from txt2vid.ffmpeg.probe import AudioStream, MediaInfo, VideoStream, probe

__all__ = ["AudioReader", "AudioStream", "Encoder", "MediaInfo", "VideoReader", "VideoStream", "probe"]
