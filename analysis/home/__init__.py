"""How the country's networks reach each other, and whether they meet in one hub."""
