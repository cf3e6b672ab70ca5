DELETE FROM comment_mentions WHERE comment_id IN (
    SELECT id FROM comments WHERE annotation_id IS NOT NULL OR decision_id IS NOT NULL OR review_id IS NOT NULL
);
DELETE FROM comments WHERE annotation_id IS NOT NULL OR decision_id IS NOT NULL OR review_id IS NOT NULL;
ALTER TABLE comments DROP COLUMN annotation_id, DROP COLUMN decision_id, DROP COLUMN review_id;
DROP TABLE decision_links;
DROP TABLE decisions;
DROP TABLE review_attendees;
DROP TABLE review_objectives;
DROP TABLE review_kpis;
DROP TABLE reviews;
DROP TABLE annotations;
