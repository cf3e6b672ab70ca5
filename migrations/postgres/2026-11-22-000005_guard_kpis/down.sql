DROP TABLE announcements;
DROP TABLE guardrails;
