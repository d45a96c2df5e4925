"""How many organisations pass whom, and how sure that is."""
