"""Which traces are evidence, of whom, towards what, and what each of them weighs."""
