"""Measures servers of the request-reply protocol; `benches/run` and `benches/grow` are the ways in."""
