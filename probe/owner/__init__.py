"""What the owner of this machine has agreed to, and what they have set."""
