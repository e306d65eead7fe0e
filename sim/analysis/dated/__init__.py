"""What happens by when: chances at dates, first entries, large blocs, and effects of scenarios on them."""
