"""Pure parts: values and decisions, on the standard library and numpy alone."""
