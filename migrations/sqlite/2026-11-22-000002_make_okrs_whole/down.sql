DROP TABLE comment_mentions;
DROP TABLE comments;
ALTER TABLE check_ins DROP COLUMN clears_blocker;
DROP TABLE initiatives;
