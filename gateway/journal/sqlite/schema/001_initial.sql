-- One narrow row for each enrollment. seq is the order of acceptance.
CREATE TABLE enrollment (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    identity BLOB NOT NULL UNIQUE,
    fingerprint BLOB NOT NULL,
    ordering BLOB,
    station TEXT NOT NULL,
    status TEXT NOT NULL,
    phase TEXT NOT NULL,
    priority INTEGER NOT NULL,
    rank REAL NOT NULL,
    attempts INTEGER NOT NULL,
    size INTEGER NOT NULL,
    accepted_at REAL NOT NULL,
    next_attempt_at REAL,
    last_attempt_at REAL,
    settled_at REAL,
    reason TEXT
) STRICT;

-- What delivery asks for. A partial index holds only the rows of its phase, so that the cost of
-- finding the next ones does not depend on how many wait.
CREATE INDEX enrollment_ready ON enrollment (rank) WHERE phase = 'ready';
CREATE INDEX enrollment_later ON enrollment (next_attempt_at) WHERE phase = 'later';
CREATE INDEX enrollment_line ON enrollment (ordering) WHERE ordering IS NOT NULL AND phase <> 'done';
-- What the retention asks for.
CREATE INDEX enrollment_settled ON enrollment (settled_at) WHERE phase = 'done';
-- What people ask for: lists by status, and the oldest of a status.
CREATE INDEX enrollment_status ON enrollment (status, accepted_at);

-- The sealed parts. The wrapped keys come first, so that they stand on the row's own page, which
-- secure_delete=fast overwrites when they are dropped; a long body's further pages are only freed.
-- The body comes last, so that the other parts are read without it.
CREATE TABLE content (
    seq INTEGER PRIMARY KEY,
    envelope_key BLOB NOT NULL,
    body_key BLOB,
    answer_key BLOB,
    envelope BLOB NOT NULL,
    answer BLOB,
    body BLOB
) STRICT;

-- Kept in the same transactions as the rows: nothing is ever counted by reading them all.
CREATE TABLE counter (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counter (name, value) VALUES
    ('accepted', 0),
    ('pending', 0),
    ('sending', 0),
    ('delivered', 0),
    ('rejected', 0),
    ('in_doubt', 0),
    ('dead_letter', 0),
    ('cancelled', 0),
    ('forgotten_delivered', 0),
    ('forgotten_rejected', 0),
    ('forgotten_cancelled', 0);

CREATE TABLE note (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
