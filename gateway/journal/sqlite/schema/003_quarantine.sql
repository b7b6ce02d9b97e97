-- What readiness asks for: dead letters that cannot be read. Almost always empty.
CREATE INDEX enrollment_quarantined ON enrollment (reason)
    WHERE status = 'dead_letter' AND reason IN ('unreadable', 'lost');
