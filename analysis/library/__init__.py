"""What ``import analysis as gw`` gives: data that were read, verdicts that cannot be changed."""
