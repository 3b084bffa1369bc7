"""Published weights on this machine: where they lie, how they get there, whether they are what they should be."""
