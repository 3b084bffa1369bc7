"""Wav2Lip as a library of its own: mel windows, the network, its checkpoints, S3FD, the detector that it was trained
with, and SyncNet, the judge that it is measured by.

Written from the published facts (Prajwal et al. 2020, "A Lip Sync Expert Is All You Need for Speech to Lip Generation
In the Wild"; Zhang et al. 2017, "S3FD"; Chung & Zisserman 2016, "Out of time"); it loads the published weights. It
knows nothing of txt2vid.
"""
