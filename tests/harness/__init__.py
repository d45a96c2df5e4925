"""What tests work with: machines, collectors, other users and pages, none of which is a test."""
