"""From message bytes to typed reports, or a named reason why not. Pure: no I/O, no clock, no environment."""
