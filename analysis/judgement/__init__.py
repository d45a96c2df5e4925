"""From observations to the verdict's JSON: the one order of the steps, the fields, the limits."""
