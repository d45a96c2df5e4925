"""How traces leave the machine: bundles, their keys, the outbox, the way to a collector."""
