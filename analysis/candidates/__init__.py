"""What all paths together tell of the nodes on them: blocks, peering LANs, meeting places."""
