"""Which intermediate task helps: the table of Phang et al. (2020, arXiv 2005.13013) in small."""
