"""Floor 2: observe, decide, act, report, through the ports of core alone."""
