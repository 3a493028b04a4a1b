"""The pages of the system: jobs, read models, the integrity of the log, and bans."""
