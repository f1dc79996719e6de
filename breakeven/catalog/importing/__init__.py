"""Price lists of others, read into dated overlays: what is ambiguous is asked, what is suspect refused."""
