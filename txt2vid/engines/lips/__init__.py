"""The parts of the Wav2Lip engine: where the mouth is cut out of a face, what is heard, and how it is laid back."""
