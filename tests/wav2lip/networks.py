"""Networks with seeded random weights whose outputs are neither constant nor saturated, for numeric tests."""

from __future__ import annotations

import torch

from wav2lip.network import Wav2Lip


def lively(seed: int = 0) -> Wav2Lip:
    """Every tensor matters: no mean is 0, no variance 1, and the picture varies from black to white."""
    torch.manual_seed(seed)
    network = Wav2Lip().eval()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                torch.nn.init.normal_(buffer(module, "running_mean"), 0, 0.05)
                torch.nn.init.uniform_(buffer(module, "running_var"), 0.2, 0.5)
                module.weight.uniform_(0.8, 1.2)
                module.bias.normal_(0, 0.1)
        network.get_parameter("output_block.1.weight").mul_(20)
    return network


def buffer(module: torch.nn.Module, name: str) -> torch.Tensor:
    """A tensor that is no parameter."""
    return module.get_buffer(name)
