DROP TABLE objective_carry_overs;
DROP TABLE key_result_closings;
DROP TABLE objective_closings;
