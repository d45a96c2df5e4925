"""From traces to the verdict's JSON: the order of the steps, what the object holds, the limits."""
