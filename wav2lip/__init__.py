"""Wav2Lip as a library of its own: mel windows, the network, its checkpoints, and S3FD, the detector that it was
trained with.

Written from the published facts (Prajwal et al. 2020, "A Lip Sync Expert Is All You Need for Speech to Lip Generation
In the Wild"; Zhang et al. 2017, "S3FD"); it loads the published weights. It knows nothing of txt2vid.
"""
