"""What the analyst's commands share: options, files that are given, files that are written."""
