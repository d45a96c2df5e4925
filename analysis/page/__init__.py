"""The report, one page that can be published, and its pictures."""
