-- What is long stands apart from the keys that open it. A row of keys is as long when its body's key
-- is dropped and its answer's comes as it was before: it stays where it is, and so do its
-- neighbours, of which no copy is left on another page. A body's row can then be deleted, and its
-- pages be used again: whatever copies of it are left, no key opens them.
CREATE TABLE body (
    seq INTEGER PRIMARY KEY,
    data BLOB NOT NULL
) STRICT;
-- kind: always 1. A row that is found alone on a damaged file's page must not look like a body's.
CREATE TABLE answer (
    seq INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL DEFAULT 1,
    data BLOB NOT NULL
) STRICT;

-- A journal from before has bodies and answers in the rows of their keys, until they are erased.
CREATE VIEW sealed AS
SELECT c.seq, c.envelope_key, c.envelope,
    c.body_key, coalesce(c.body, b.data) AS body,
    c.answer_key, coalesce(c.answer, a.data) AS answer
FROM content c LEFT JOIN body b ON b.seq = c.seq LEFT JOIN answer a ON a.seq = c.seq;
