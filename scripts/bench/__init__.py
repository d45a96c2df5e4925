"""How fast gatewatch is beside other tools, as ratios from one run: ``make bench``.

Developers' own instrument: nothing that ships imports it. What is compared stands as data in
`scripts.bench.declared`; the other modules run it, read it and print it.
"""
