"""Program Health: open alerts, rules with previews, freshness, and the bell."""
