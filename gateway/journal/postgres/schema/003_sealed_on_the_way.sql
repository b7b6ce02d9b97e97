-- compatible-from: 3
-- Nothing stands elsewhere; but parts are sealed in format 2 from here on (see journal/sealing.py),
-- which an earlier gateway would take for damage: it must not deliver what another accepted.
COMMENT ON TABLE body IS 'sealed in format 2 since schema 3, before that in format 1';
