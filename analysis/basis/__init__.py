"""By what a verdict is made, address tables, users, routes, numbers, and what changes with them."""
