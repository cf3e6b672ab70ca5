DROP TABLE initiatives;
