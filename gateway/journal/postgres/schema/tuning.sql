-- For PostgreSQL itself; other engines on its wire have no such knobs. Nothing here changes what is
-- kept. Ciphertext does not compress: do not try.
ALTER TABLE body ALTER COLUMN data SET STORAGE EXTERNAL;
ALTER TABLE content ALTER COLUMN envelope SET STORAGE EXTERNAL;
ALTER TABLE content ALTER COLUMN answer SET STORAGE EXTERNAL;
-- Every enrollment leaves dead rows behind as it moves on. Clearing them away early, by a fixed
-- number instead of a share of the table, keeps the tables at the size of what is alive.
ALTER TABLE enrollment SET (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_cost_delay = 0, autovacuum_vacuum_insert_scale_factor = 0.0,
    autovacuum_vacuum_insert_threshold = 50000, autovacuum_analyze_scale_factor = 0.0,
    autovacuum_analyze_threshold = 20000, fillfactor = 80);
ALTER TABLE content SET (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_cost_delay = 0, toast.autovacuum_vacuum_scale_factor = 0.0,
    toast.autovacuum_vacuum_threshold = 5000, toast.autovacuum_vacuum_cost_delay = 0);
ALTER TABLE body SET (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0, toast.autovacuum_vacuum_scale_factor = 0.0,
    toast.autovacuum_vacuum_threshold = 10000, toast.autovacuum_vacuum_cost_delay = 0);
-- A few rows that are updated all the time: room beside each for its next version.
ALTER TABLE counter SET (fillfactor = 20, autovacuum_vacuum_scale_factor = 0.0,
    autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE station SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.0,
    autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE lease SET (fillfactor = 20, autovacuum_vacuum_scale_factor = 0.0,
    autovacuum_vacuum_threshold = 200, autovacuum_vacuum_cost_delay = 0);
