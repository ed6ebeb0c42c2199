"""What tools and projects print → documents of the policy folder. Pure: text in, mappings out."""
