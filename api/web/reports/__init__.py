"""The pages of reports, and the page on which recipients unsubscribe."""
