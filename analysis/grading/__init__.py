"""The grade of the ways abroad: what the rule looks at, what keeps a name back, who else agrees."""
