"""What else shows the same, and decides nothing: hegemony, dominators, interfaces, ranges."""
