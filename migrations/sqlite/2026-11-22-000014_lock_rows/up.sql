-- SQLite has no row-level security: on it every statement's own condition is the one lock.
SELECT 1;
