"""How an encode leaves: cut into units that a viewer can start at, and handed to all who watch."""
