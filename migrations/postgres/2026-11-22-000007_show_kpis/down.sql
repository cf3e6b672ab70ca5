DROP TABLE links;
DROP TABLE board_kpis;
DROP TABLE boards;
