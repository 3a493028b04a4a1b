"""Reports: each issue is made once at the time at which it falls due."""
