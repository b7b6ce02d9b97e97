-- When a person requeued it last: from then on its age counts anew.
ALTER TABLE enrollment ADD COLUMN requeued_at REAL;
