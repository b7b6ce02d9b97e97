-- Where a large body is, in the file of bodies: see bodies/store.py. One from before stays in a row
-- of its own until it is erased.
CREATE TABLE extent (
    seq INTEGER PRIMARY KEY,
    place INTEGER NOT NULL,
    length INTEGER NOT NULL
) STRICT;

DROP VIEW sealed;
CREATE VIEW sealed AS
SELECT c.seq, c.envelope_key, c.envelope,
    c.body_key, coalesce(c.body, b.data) AS body, x.place, x.length,
    c.answer_key, coalesce(c.answer, a.data) AS answer
FROM content c LEFT JOIN body b ON b.seq = c.seq LEFT JOIN extent x ON x.seq = c.seq
    LEFT JOIN answer a ON a.seq = c.seq;
