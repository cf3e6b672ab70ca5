DROP INDEX objectives_by_parent;
DROP TABLE objective_supports;
DROP TABLE objective_moves;
DROP TABLE objective_teams;
DROP TABLE objective_contributors;
